import TestSupport
import Testing
import Torch

/// Gradient and autocast modes, memory formats and reading of values.
@Suite struct ScopeTests {
    private struct Stop: Error {}

    @Test func withoutGradientsIsRestored() throws {
        let x = Tensor.ones([2]).requiringGradient()
        #expect((x * 2).requiresGradient)
        withoutGradients {
            #expect(!(x * 2).requiresGradient)
            withoutGradients {}
            #expect(!(x * 2).requiresGradient)
        }
        #expect((x * 2).requiresGradient)
        #expect(throws: Stop.self) { try withoutGradients { throw Stop() } }
        #expect((x * 2).requiresGradient)
    }

    @Test func gradientsAccumulate() throws {
        let x = Tensor([1, 2] as [Float]).requiringGradient()
        #expect(x.gradient == nil)
        x.square().sum().backward()
        x.square().sum().backward()
        #expect(x.gradient?.floats() == [4, 8])
        x.gradient = nil
        #expect(x.gradient == nil)
        let unused = Tensor(1).requiringGradient()
        let both = gradients(of: [x.sum(), (x * 3).sum()], wrt: [x, unused])
        #expect(both[0]?.floats() == [4, 4])
        #expect(both[1] == nil)
        let seeded = gradients(of: [x * 2], wrt: [x], seeds: [Tensor([1, 10] as [Float])])
        #expect(seeded[0]?.floats() == [2, 20])
        #expect(!x.detached().requiresGradient)
    }

    @Test(arguments: [DType.bfloat16, .float16]) func autocast(_ dtype: DType) throws {
        let x = Tensor.ones([1, 2, 4, 4])
        let w = Tensor.ones([3, 2, 1, 1]).requiringGradient()
        func result() -> DType { x.conv2d(weight: w, bias: nil).dtype }
        #expect(result() == .float32)
        withAutocast(dtype, on: .cpu) {
            #expect(result() == dtype)
            #expect((x + x).dtype == .float32)
            // Nested scopes of different dtypes must not share converted weights.
            let other: DType = dtype == .bfloat16 ? .float16 : .bfloat16
            withAutocast(other, on: .cpu) { #expect(result() == other) }
            #expect(result() == dtype)
            withAutocast(.float32, on: .cpu) { #expect(result() == .float32) }
            #expect(result() == dtype)
            withAutocast(nil, on: .cpu) { #expect(result() == dtype) }
        }
        #expect(result() == .float32)
        #expect(throws: Stop.self) { try withAutocast(dtype, on: .cpu) { throw Stop() } }
        #expect(result() == .float32)
    }

    @Test func autocastSeesChangedWeightsInTheNextScope() throws {
        let x = Tensor.ones([1, 2])
        let w = Tensor.ones([1, 2]).requiringGradient()
        func value() -> Double { withAutocast(.bfloat16, on: .cpu) { x.linear(weight: w, bias: nil).item() } }
        #expect(value() == 2)
        withoutGradients { w.multiply_(3) }
        #expect(value() == 6)
    }

    @Test func autocastKeepsGradientsOfTheParametersType() throws {
        let w = Tensor.ones([1, 2]).requiringGradient()
        let loss = withAutocast(.bfloat16, on: .cpu) {
            Tensor.ones([1, 2]).linear(weight: w, bias: nil).sum()
        }
        loss.backward()
        #expect(w.gradient?.dtype == .float32)
        #expect(w.gradient?.floats() == [1, 1])
    }

    @Test func memoryFormats() throws {
        let x = Tensor((0..<24).map(Float.init), shape: [1, 2, 3, 4])
        #expect(x.isContiguous() && !x.isContiguous(.channelsLast))
        let last = x.to(.channelsLast)
        #expect(last.strides == [24, 1, 8, 2])
        #expect(last.isContiguous(.channelsLast) && !last.isContiguous())
        #expect(last.shape == x.shape && last.floats() == x.floats())
        #expect(last.contiguous().strides == [24, 12, 4, 1])
        #expect((last * 2).isContiguous(.channelsLast))
        #expect(Tensor.zeros(like: last).isContiguous(.channelsLast))
    }

    @Test func reading() throws {
        let x = Tensor([1.5, -2, 3, 4] as [Float], shape: [2, 2])
        #expect(x.transposed(0, 1).floats() == [1.5, 3, -2, 4])
        #expect(x.transposed(0, 1).bytes() == Tensor([1.5, 3, -2, 4] as [Float]).bytes())
        #expect(x.integers() == [1, -2, 3, 4])
        #expect(x[1][0].item() == 3)
        #expect(x.withBytes { $0.count } == 16)
        #expect(Tensor.zeros([0, 3]).floats() == [] && Tensor.zeros([0, 3]).bytes() == [])
        #expect(Tensor([1, 2, 300]).to(.uint8).integers() == [1, 2, 44])
        #expect(Tensor([7]).item() == 7 && Tensor(0.5).shape == [] && Tensor(0.5).item() == 0.5)
        #expect(x.description == "Float[2, 2] [1.5, -2.0, 3.0, 4.0]")
        #expect(x.requiringGradient().floats() == [1.5, -2, 3, 4])
        for dtype in DType.allCases { #expect(Tensor([0, 1]).to(dtype).to(.int64).integers() == [0, 1]) }
    }
}

/// Gradient checkpointing: equal gradients, and no stored activations.
@Suite struct RecomputeTests {
    private static func weights() -> [Tensor] {
        let random = RandomSource(seed: 1)
        return [[32, 16, 4, 4], [32]].map { Tensor.normal($0, random: random).requiringGradient() }
    }

    static func input() -> Tensor { Tensor.normal([4, 16, 8, 8], random: RandomSource(seed: 2)) }

    private static func part(_ weights: [Tensor]) -> (Tensor) -> Tensor {
        { $0.conv2d(weight: weights[0], bias: weights[1], stride: 2, padding: 1).tanh() }
    }

    @Test(arguments: [nil, DType.bfloat16]) func gradientsAreEqual(autocast: DType?) throws {
        func run(_ isRecomputed: Bool) -> [[UInt8]?] {
            let (weights, input) = (Self.weights(), Self.input().requiringGradient())
            let body = Self.part(weights)
            let output = withAutocast(autocast, on: .cpu) {
                let scaled = input * 2
                return isRecomputed ? recomputed(scaled, parameters: weights, body) : body(scaled)
            }
            let found = gradients(of: [output.to(.float32).square().sum()], wrt: [input] + weights)
            return [output.bytes()] + found.map { $0?.bytes() }
        }
        #expect(run(true) == run(false))
    }

    /// Only requested gradients are computed, as in a generator step through a discriminator.
    @Test func onlyRequestedGradients() throws {
        let (weights, input) = (Self.weights(), Self.input().requiringGradient())
        func gradient(_ output: Tensor) throws -> [UInt8] {
            try #require(gradients(of: [output.sum()], wrt: [input])[0]).bytes()
        }
        let body = Self.part(weights)
        #expect(try gradient(recomputed(input, parameters: weights, body)) == gradient(body(input)))
    }

    @Test func freeingTheTapeFreesTheClosure() {
        final class Witness {}
        weak var witness: Witness?
        do {
            let (kept, weights) = (Witness(), Self.weights())
            witness = kept
            let body = Self.part(weights)
            let output = recomputed(Self.input(), parameters: weights) { [kept] input in
                withExtendedLifetime(kept) { body(input) }
            }
            #expect(output.requiresGradient)
        }
        #expect(witness == nil)
    }

    @Test func withoutRecordingItIsTheFunction() {
        let weights = Self.weights()
        let (body, input) = (Self.part(weights), Self.input())
        withoutGradients {
            let output = recomputed(input, parameters: weights, body)
            #expect(!output.requiresGradient && output.bytes() == body(input).bytes())
        }
    }

    @Test func secondDerivativesTrap() async throws {
        let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            let input = RecomputeTests.input().requiringGradient()
            let output = recomputed(input, parameters: []) { $0.square() }
            _ = gradients(of: [output.sum()], wrt: [input], createGraph: true)
        }
        let text = String(decoding: try #require(result).standardErrorContent, as: UTF8.self)
        #expect(text.contains("a recomputed part has no second derivatives"), "\(text)")
    }
}
