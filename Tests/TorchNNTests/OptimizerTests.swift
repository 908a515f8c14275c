import TestSupport
import Testing
import Torch
import TorchNN

/// Ten steps with given gradients equal `torch.optim` and the authors' AdaBelief.
@Suite struct OptimizerTests {
    private static let tolerance = 1e-6
    private static let steps = 10

    @Test(arguments: OptimizerCase.all)
    func tenStepsEqualPyTorch(_ example: OptimizerCase) throws {
        let golden = try Golden("optimizers")
        let network = try Trained(golden)
        let optimizer = example.make(network.parameters)
        try expectSteps(network, optimizer, example.name, golden) { $0 }
    }

    /// Weights, gradients and state with different layouts are matched, because the fused kernels assume equal layouts.
    @Test(arguments: OptimizerCase.all, [true, false])
    func layoutsAreMatched(_ example: OptimizerCase, movedAfterItsStateWasRead: Bool) throws {
        let golden = try Golden("optimizers")
        let network = try Trained(golden)
        let optimizer = example.make(network.parameters)
        if movedAfterItsStateWasRead { #expect(optimizer.state.allSatisfy { $0.tensor.isContiguous() }) }
        network.move(to: .cpu, format: .channelsLast)
        try expectSteps(network, optimizer, example.name, golden) { $0 }
        #expect(!network.conv.weight.value.isContiguous())
        for (key, tensor) in optimizer.state where key.hasSuffix("conv.weight") && tensor.rank == 4 {
            #expect(tensor.isContiguous(.channelsLast))
        }
    }

    @Test(arguments: OptimizerCase.all)
    func gradientsMayHaveAnyLayout(_ example: OptimizerCase) throws {
        let golden = try Golden("optimizers")
        let network = try Trained(golden)
        let optimizer = example.make(network.parameters)
        try expectSteps(network, optimizer, example.name, golden) {
            $0.rank == 4 ? $0.to(.channelsLast) : $0.transposed(0, -1).contiguous().transposed(0, -1)
        }
    }

    /// Convolutions do not use packed copies of weights from before a step.
    @Test(arguments: ["adam", "adamw", "sgd", "rmsprop", "adabelief"])
    func aStepIsSeenByTheNextConvolution(kind: String) throws {
        let random = RandomSource(seed: 1)
        for isTransposed in [false, true] {
            let weight = Parameter(Tensor.normal([64, 64, 4, 4], random: random).to(.channelsLast))
            let input = Tensor.normal([2, 64, 8, 8], random: random).to(.channelsLast)
            let parameters = [("weight", weight)]
            let optimizer: any Optimizer =
                switch kind {
                case "adam": Adam(parameters, learningRate: 0.1)
                case "adamw": Adam(parameters, learningRate: 0.1, decoupled: true)
                case "sgd": SGD(parameters, learningRate: 0.1)
                case "rmsprop": RMSprop(parameters, learningRate: 0.1)
                default: AdaBelief(parameters, learningRate: 0.1)
                }
            func output(_ kernels: Kernels) -> Tensor {
                withKernels(kernels) {
                    isTransposed
                        ? input.convTranspose2d(weight: weight.value, bias: nil, stride: 2, padding: 1)
                        : input.conv2d(weight: weight.value, bias: nil, stride: 2, padding: 1)
                }
            }
            for _ in 0..<3 {
                // Packed weights are kept after a few uses.
                for _ in 0..<5 { _ = output(.fast) }
                let before = output(.fast).detached()
                optimizer.step(optimizer.gradients(of: output(.fast).square().mean()))
                let (fast, plain) = (output(.fast).detached(), output(.plain).detached())
                #expect((fast - plain).norm().item() < 1e-5 * plain.norm().item())
                #expect((fast - before).norm().item() > 1e-4 * before.norm().item())
            }
        }
    }

    /// Convolutions do not use packed copies of weights from before other in-place operations.
    @Test func movingAveragesAreSeenByTheNextConvolution() {
        let random = RandomSource(seed: 2)
        func tensor() -> Tensor { Tensor.normal([64, 64, 4, 4], random: random).to(.channelsLast) }
        let (weight, other) = (tensor(), tensor())
        let input = Tensor.normal([2, 64, 8, 8], random: random).to(.channelsLast)
        let changes: [(Tensor) -> Void] = [
            { foreachLerp_([$0], towards: [other], weight: 0.3) }, { foreachMultiply_([$0], by: 0.5) },
            { foreachAdd_([$0], [other]) }, { foreachCopy_([$0], from: [other]) }, { $0.multiply_(3) },
            { $0.lerp_(other, weight: -0.5) }, { $0.fill_(0.1) }, { $0[0..<1].zero_() },
            { $0.normal_(deviation: 1, random: random) },
        ]
        for (index, change) in changes.enumerated() {
            for _ in 0..<6 { _ = input.conv2d(weight: weight, bias: nil, stride: 2, padding: 1) }
            change(weight)
            let (fast, plain) = (
                input.conv2d(weight: weight, bias: nil, stride: 2, padding: 1),
                withKernels(.plain) { input.conv2d(weight: weight, bias: nil, stride: 2, padding: 1) }
            )
            #expect((fast - plain).norm().item() < 1e-5 * plain.norm().item(), "change \(index)")
        }
    }

    @Test func gradientsMayRepeatOneValue() {
        // The gradient of a sum is one element with strides of 0.
        let (first, second) = (Parameter(shape: [64]), Parameter(shape: [64]))
        let optimizers: [any Optimizer] = [
            Adam([("x", first)], learningRate: 0.1), Adam([("x", second)], learningRate: 0.1),
        ]
        let found = optimizers[0].gradients(of: first.value.sum())
        #expect(found[0]?.strides == [0])
        optimizers[0].step(found)
        optimizers[1].step([Tensor.ones([64])])
        #expect(first.value.bytes() == second.value.bytes())
    }

    @Test(arguments: OptimizerCase.all)
    func resumesExactly(_ example: OptimizerCase) throws {
        let golden = try Golden("optimizers")
        let straight = try Trained(golden)
        let optimizer = example.make(straight.parameters)
        for step in 0..<Self.steps / 2 { optimizer.step(straight.gradients(golden, step: step)) }

        let file = try TemporaryFolder()
        for (name, state) in [("weights", straight.state), ("optimizer", optimizer.state)] {
            try TensorFile.write(file.file(name), tensors: state.map { ($0.key, $0.tensor) })
        }
        for step in Self.steps / 2..<Self.steps { optimizer.step(straight.gradients(golden, step: step)) }

        let resumed = try Trained(golden)
        let other = example.make(resumed.parameters)
        try resumed.load(TensorFile.read(file.file("weights")).tensors.map { ($0.name, $0.tensor) })
        try other.load(TensorFile.read(file.file("optimizer")).tensors.map { ($0.name, $0.tensor) })
        for step in Self.steps / 2..<Self.steps { other.step(resumed.gradients(golden, step: step)) }
        #expect(resumed.state.contents == straight.state.contents)
        #expect(other.state.contents == optimizer.state.contents)
    }

    @Test(arguments: OptimizerCase.all)
    func stateLoadsIntoAnotherLayout(_ example: OptimizerCase) throws {
        let golden = try Golden("optimizers")
        let (plain, moved) = (try Trained(golden), try Trained(golden))
        let (source, target) = (example.make(plain.parameters), example.make(moved.parameters))
        moved.move(to: .cpu, format: .channelsLast)
        for step in 0..<3 { source.step(plain.gradients(golden, step: step)) }
        try moved.load(plain.state)
        try target.load(source.state)
        #expect(target.state.contents == source.state.contents)
        for optimizer in [source, target] { optimizer.step(plain.gradients(golden, step: 4)) }
        for ((key, one), (_, other)) in zip(plain.state, moved.state) {
            #expect(difference(other, one) <= Self.tolerance, "\(key)")
        }
    }

    @Test func loadingReportsEverythingAndChangesNothing() throws {
        let golden = try Golden("optimizers")
        let network = try Trained(golden)
        let optimizer = Adam(network.parameters)
        optimizer.step(network.gradients(golden, step: 0))
        let before = optimizer.state.cloned()
        var state = before
        state.removeFirst()
        state[0].tensor = Tensor.zeros([7])
        state.append((key: "velocity.x", tensor: Tensor.zeros([1])))
        let error = try #require(throws: StateMismatch.self) { try optimizer.load(state) }
        #expect(error.missing == ["mean.conv.weight"])
        #expect(error.misshaped.map(\.key) == ["mean.conv.bias"])
        #expect(error.unexpected == ["velocity.x"])
        #expect(optimizer.state.contents == before.contents)
    }

    @Test func gradientsOfMixedPrecisionAreFloat() throws {
        let network = Sequential(Conv2d(3, 4, kernel: 3), BatchNorm2d(4), Activation.relu())
        network.initialize(RandomSource(seed: 1))
        network.move(to: .cpu, format: .channelsLast)
        let optimizer = Adam(network.parameters, learningRate: 0.1)
        let before = network.state.cloned().contents
        let images = Tensor.normal([2, 3, 8, 8], random: RandomSource(seed: 2)).to(.channelsLast)
        let output = withAutocast(.bfloat16, on: .cpu) { network(images) }
        #expect(output.dtype == .bfloat16)
        let found = optimizer.gradients(of: output.to(.float32).square().mean())
        #expect(found.allSatisfy { $0?.dtype == .float32 })
        optimizer.step(found)
        #expect(network.state.contents["0.weight"] != before["0.weight"])
        #expect(network.state.allSatisfy { $0.tensor.to(.float64).isFinite().all().item() == 1 })
    }

    private func expectSteps(
        _ network: Trained, _ optimizer: any Optimizer, _ name: String, _ golden: Golden,
        prepare: (Tensor) -> Tensor
    ) throws {
        for step in 0..<Self.steps {
            optimizer.step(network.gradients(golden, step: step).map { $0.map(prepare) })
            guard step == 0 || step == Self.steps - 1 else { continue }
            for (key, tensor) in network.state {
                let expected = try golden("\(name)-\(step)/\(key)")
                #expect(
                    difference(tensor, expected) <= Self.tolerance,
                    "\(name) \(key) after \(step + 1): \(difference(tensor, expected))")
            }
        }
    }
}

/// An optimizer with a golden.
struct OptimizerCase: Sendable, CustomTestStringConvertible {
    typealias Parameters = [(key: String, parameter: Parameter)]

    let name: String
    let make: @Sendable (Parameters) -> any Optimizer
    /// Whether a decay rate is a tensor, as in recorded steps that change it.
    var hasRateOnDevice = false

    init(_ name: String, _ make: @escaping @Sendable (Parameters) -> any Optimizer) {
        (self.name, self.make) = (name, make)
    }

    var testDescription: String { name + (hasRateOnDevice ? ", decay rate on the device" : "") }

    /// The same Adam with a decay rate that is a tensor.
    var onDevice: OptimizerCase {
        var other = OptimizerCase(name) { [make] parameters in
            let optimizer = make(parameters)
            if let adam = optimizer as? Adam, case .number(let beta2) = adam.beta2 {
                adam.beta2 = .tensor(Tensor(beta2))
                if case .number(let rate) = adam.learningRate { adam.learningRate = .tensor(Tensor(rate)) }
            }
            return optimizer
        }
        other.hasRateOnDevice = true
        return other
    }

    static let rate = 0.01
    static let all = plain + plain.prefix(3).map(\.onDevice)
    private static let plain: [OptimizerCase] = [
        .init("adam") { Adam($0, learningRate: rate) },
        .init("adam-l2") {
            Adam($0, learningRate: rate, beta1: 0.9, beta2: 0.99, epsilon: 1e-6, weightDecay: 0.1)
        },
        .init("adamw") { Adam($0, learningRate: rate, beta1: 0.9, weightDecay: 0.1, decoupled: true) },
        .init("sgd") { SGD($0, learningRate: rate) },
        .init("sgd-momentum") { SGD($0, learningRate: rate, momentum: 0.9, weightDecay: 0.1) },
        .init("rmsprop") { RMSprop($0, learningRate: rate) },
        .init("rmsprop-l2") {
            RMSprop($0, learningRate: rate, alpha: 0.9, epsilon: 1e-6, weightDecay: 0.1)
        },
        .init("adabelief") { AdaBelief($0, learningRate: rate) },
        .init("adabelief-decay") {
            AdaBelief($0, learningRate: rate, beta1: 0.5, beta2: 0.99, epsilon: 1e-12, weightDecay: 0.1)
        },
    ]
}

/// Network with the parameters of the golden gradients.
final class Trained: Module {
    let conv = Conv2d(4, 6, kernel: 3)
    let linear = Linear(7, 5, bias: false)

    init(_ golden: Golden) throws {
        super.init()
        try load(golden.below("start/"))
    }

    /// Golden gradients of a step, 0...9. One step has no gradient for the bias of the convolution.
    func gradients(_ golden: Golden, step: Int) -> [Tensor?] {
        parameters.map { golden["gradient-\(step)/\($0.key)"] }
    }
}

/// Clipping by the total norm equals `torch.nn.utils.clip_grad_norm_`.
@Suite struct GradientClippingTests {
    @Test(arguments: ["0.5", "1000"])
    func equalsPyTorch(limit: String) throws {
        let golden = try Golden("optimizers")
        let network = try Trained(golden)
        var found = network.gradients(golden, step: 0)
        let norm = clipGradients(&found, maxNorm: Double(limit)!)
        expectClose(norm, try golden("clip-\(limit)/norm"), within: 1e-6, "norm")
        for ((key, _), gradient) in zip(network.parameters, found) {
            expectClose(gradient, try golden("clip-\(limit)/\(key)"), within: 1e-6, key)
        }
    }

    @Test func nilGradientsStayNil() {
        var found: [Tensor?] = [nil, Tensor([3.0, 4.0]), nil]
        #expect(clipGradients(&found, maxNorm: 1).item() == 5)
        #expect(found[0] == nil && found[2] == nil)
        #expect(abs(found[1]!.norm().item() - 1) < 1e-5)
        var none: [Tensor?] = [nil]
        #expect(clipGradients(&none, maxNorm: 1).item() == 0)
    }

    /// Gradients of two summands share memory and must be scaled once.
    @Test func gradientsMayShareMemory() {
        let (a, b) = (Parameter(onesOf: [4]), Parameter(onesOf: [4]))
        let loss = (a.value + b.value).square().sum()
        var found = gradients(of: [loss], wrt: [a.value, b.value])
        let norm = clipGradients(&found, maxNorm: 0.5).item()
        #expect(abs(norm - 128.0.squareRoot()) < 1e-4)
        let after = Tensor.concatenated(found.compactMap { $0 }).norm().item()
        #expect(abs(after - 0.5) < 1e-5)
    }
}
