import Testing
import Torch

/// Random numbers equal PyTorch's for the same seed, and restored states continue exactly.
@Suite struct RandomTests {
    /// The vectorized normal generator of PyTorch differs from the portable one in the last bit.
    private static let normalTolerance = Engine.cpuCapability.hasPrefix("AVX") ? 0 : 1e-6

    @Test(arguments: [0, 1, 42, 1 << 32 + 5, UInt64.max] as [UInt64], [15, 16, 131])
    func equalsPyTorch(_ seed: UInt64, _ count: Int) throws {
        let golden = try Golden("random.safetensors")
        // All draws share one generator, as in the script, so each draw must advance it equally.
        let random = RandomSource(seed: seed)
        func check(_ name: String, tolerance: Double = 0, _ draw: (RandomSource) -> Tensor) throws {
            try golden.check("\(name).\(seed).\(count)", draw(random), tolerance: tolerance)
        }
        try check("normal", tolerance: Self.normalTolerance) { .normal([count], random: $0) }
        try check("uniform") { .uniform([count], random: $0) }
        try check("normal_", tolerance: Self.normalTolerance) { random in
            let tensor = Tensor.zeros([count])
            tensor.normal_(mean: 0.5, deviation: 2, random: random)
            return tensor
        }
        try check("uniform_") { .uniform([count], -3, 2, random: $0) }
        try check("permutation") { .permutation(count, random: $0) }
    }

    @Test func aRestoredStateContinues() throws {
        let random = RandomSource(seed: 7)
        // Normal numbers come in pairs. After an odd count the state contains the second number.
        _ = Tensor.normal([3], random: random)
        let state = random.state
        let other = RandomSource(seed: 8)
        try other.restore(state)
        #expect(other.state == state)
        for count in [1, 2, 40] {
            #expect(
                Tensor.normal([count], random: random).bytes()
                    == Tensor.normal([count], random: other).bytes())
        }
    }

    @Test func invalidStatesAreRejected() throws {
        let random = RandomSource(seed: 7)
        let before = random.state
        let error = #expect(throws: TorchError.self) { try random.restore([1, 2, 3]) }
        #expect("\(try #require(error))".contains("random state of 3 bytes"))
        #expect(throws: TorchError.self) { try random.restore([]) }
        #expect(random.state == before)
    }

    @Test func defaultGenerator() async {
        // Runs in its own process because other tests may draw from the default generator.
        await #expect(processExitsWith: .success) {
            Device.cpu.seed(5)
            let state = Device.cpu.randomState
            func draw() -> [UInt8] { op("rand", [[9]], #fileID, #line).bytes() }
            let first = draw()
            let second = draw()
            #expect(first != second)
            try Device.cpu.restoreRandomState(state)
            #expect(draw() == first)
            Device.cpu.seed(5)
            #expect(draw() == first)
            #expect(throws: TorchError.self) { try Device.cpu.restoreRandomState([0]) }
            #expect(draw() == second)
        }
    }
}
