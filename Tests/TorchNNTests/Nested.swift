import Torch
import TorchNN

/// A network with every kind of stored part; `make_torchnn.py` has the same in Python.
final class Nested: Module {
    final class Block: Module {
        let noiseConst = Buffer(Tensor.zeros([2, 2]))
        let noiseStrength = Parameter(shape: [])
        let conv1: Conv2d
        let norm: BatchNorm2d
        let shortcut: Conv2d?
        /// A stored tensor is no part.
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
