import Testing
import Torch
import TorchNN

@Suite struct ModuleTests {
    private struct Keys: Decodable {
        let state: [String]
        let parameters: Int
        let parameterKeys: [String]
    }

    @Test func keysEqualPyTorch() throws {
        let golden = try goldenJSON("keys", as: Keys.self)
        let network = Nested()
        #expect(network.state.map(\.key) == golden.state)
        #expect(network.parameters.map(\.key) == golden.parameterKeys)
    }

    @Test func sharedParametersCountOnce() throws {
        let network = Nested()
        #expect(network.parameterCount == (try goldenJSON("keys", as: Keys.self).parameters))
        #expect(network.parameters.filter { $0.parameter === network.embed.weight }.count == 1)
    }

    @Test func loadingCopiesEveryValue() throws {
        let (source, target) = (Nested(), Nested())
        source.initialize(RandomSource(seed: 1))
        target.move(to: .cpu, format: .channelsLast)
        let weight = target.blocks[0].conv1.weight.value
        try target.load(source.state)
        #expect(target.state.contents == source.state.contents)
        // Loading writes in place, so other references see the values.
        #expect(target.blocks[0].conv1.weight.value === weight)
        #expect(weight.isContiguous(.channelsLast) && !weight.isContiguous())
    }

    @Test func strictLoadingReportsEverythingAndChangesNothing() throws {
        let network = Nested()
        network.initialize(RandomSource(seed: 1))
        let before = network.state.cloned().contents
        var state = network.state.map { (key: $0.key, tensor: $0.tensor * 0 + 7) }
        state.removeAll { $0.key == "embed.weight" || $0.key == "main.0.bias" }
        state.append((key: "main.9.weight", tensor: Tensor.zeros([1])))
        state.append((key: "other", tensor: Tensor.zeros([1])))
        let linear = try #require(state.firstIndex { $0.key == "to_image.weight" })
        state[linear].tensor = Tensor.zeros([8, 3])
        let scale = try #require(state.firstIndex { $0.key == "scales.1" })
        state[scale].tensor = Tensor.zeros([])

        let error = try #require(throws: StateMismatch.self) { try network.load(state) }
        #expect(error.missing == ["embed.weight", "main.0.bias"])
        #expect(error.unexpected == ["main.9.weight", "other"])
        #expect(error.misshaped.map(\.key) == ["scales.1", "to_image.weight"])
        #expect(error.misshaped.map(\.expected) == [[2], [3, 8]])
        #expect(error.misshaped.map(\.received) == [[], [8, 3]])
        for text in error.missing + error.unexpected + ["to_image.weight expected [3, 8], got [8, 3]"] {
            #expect(error.description.contains(text))
        }
        #expect(network.state.contents == before)

        // Shapes must match without `strict`, too.
        #expect(throws: StateMismatch.self) { try network.load(state, strict: false) }
        #expect(network.state.contents == before)
        state.removeAll { $0.key == "to_image.weight" || $0.key == "scales.1" }
        try network.load(state, strict: false)
        #expect(network.scales[0].value.floats() == [7])
        #expect(network.scales[1].value.floats() == [1, 1])
    }

    @Test func movingKeepsValuesAndWhatIsFrozen() throws {
        let network = Nested()
        network.initialize(RandomSource(seed: 2))
        network.blocks[1].freeze()
        let before = network.state.cloned().contents
        for format in [MemoryFormat.channelsLast, .contiguous] {
            network.move(to: .cpu, format: format)
            #expect(network.state.contents == before)
            #expect(network.blocks[0].conv1.weight.value.isContiguous(format))
            #expect(network.blocks[1].parameters.allSatisfy { $0.parameter.isFrozen })
            #expect(network.blocks[0].parameters.allSatisfy { !$0.parameter.isFrozen })
            #expect(network.tied.weight === network.embed.weight)
        }
    }

    @Test func frozenParametersDoNotChange() throws {
        let network = Sequential(Linear(3, 4), Linear(4, 1))
        network.initialize(RandomSource(seed: 3))
        network.layers[0].freeze()
        let before = network.state.cloned().contents
        let optimizer = Adam(network.parameters, learningRate: 0.1)
        let found = optimizer.gradients(of: network(Tensor.ones([2, 3])).sum())
        #expect(found.map { $0 == nil } == [true, true, false, false])
        optimizer.step(found)
        let after = network.state.contents
        #expect(after["0.weight"] == before["0.weight"] && after["0.bias"] == before["0.bias"])
        #expect(after["1.weight"] != before["1.weight"] && after["1.bias"] != before["1.bias"])

        network.layers[0].freeze(false)
        #expect(optimizer.gradients(of: network(Tensor.ones([2, 3])).sum()).allSatisfy { $0 != nil })
    }

    @Test func descriptionIsAnOutline() {
        let network = Sequential(
            Conv2d(3, 8, kernel: 4, stride: 2, padding: 1, bias: false), Activation.tanh())
        #expect(
            network.description == """
                Sequential
                  (0) Conv2d(in 3, out 8, kernel 4, stride 2, padding 1, no bias)
                  (1) Activation(tanh)
                """)
    }
}

/// A network with every kind of stored part, equal to the one in `make_torchnn.py`.
final class Nested: Module {
    final class Block: Module {
        let noiseConst = Buffer(Tensor.zeros([2, 2]))
        let noiseStrength = Parameter(shape: [])
        let conv1: Conv2d
        let norm: BatchNorm2d
        let shortcut: Conv2d?
        /// A stored tensor, which is not a part.
        let constant = Tensor.ones([3])

        init(_ inputs: Int, _ outputs: Int, shortcut: Bool) {
            conv1 = Conv2d(inputs, outputs, kernel: 3, padding: 1)
            norm = BatchNorm2d(outputs)
            self.shortcut = shortcut ? Conv2d(inputs, outputs, kernel: 1, bias: false) : nil
        }
    }

    let embed = Embedding(3, 4)
    let blocks = [Block(4, 4, shortcut: false), Block(4, 8, shortcut: true)]
    let scales = [Parameter(onesOf: [1]), Parameter(onesOf: [2])]
    let main = Sequential(
        Conv2d(8, 8, kernel: 3), Activation.relu(), Sequential(LayerNorm([8]), Activation.tanh()))
    let toImage = Linear(8, 3)
    let tied: Embedding

    override init() { tied = embed }
}
