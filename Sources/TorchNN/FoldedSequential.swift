import Torch

/// A sequence as it is used, in fewer operators: batch normalizations with running statistics go into the weights of
/// the convolutions before them, activations into the convolutions' sums. Has the values of when it was made.
public final class FoldedSequential {
    private enum Step {
        case convolution(FoldedConvolution)
        case layer(Layer)
    }

    private let steps: [Step]

    public init(_ sequential: Sequential) {
        let layers = sequential.layers
        var steps: [Step] = []
        var index = 0
        withoutGradients {
            while index < layers.count {
                guard var convolution = FoldedConvolution(layers[index]) else {
                    steps.append(.layer(layers[index]))
                    index += 1
                    continue
                }
                index += 1
                if index < layers.count, let norm = layers[index] as? BatchNorm2d {
                    convolution.append(norm)
                    index += 1
                } else {
                    convolution.keep()
                }
                if index < layers.count, let slope = (layers[index] as? Activation)?.slope {
                    convolution.slope = slope
                    index += 1
                }
                steps.append(.convolution(convolution))
            }
        }
        self.steps = steps
    }

    /// Only without gradients; layers that are left as they were must not be training.
    public func callAsFunction(_ input: Tensor) -> Tensor {
        steps.reduce(input) { value, step in
            switch step {
            case .convolution(let convolution): convolution(value)
            case .layer(let layer): layer(value)
            }
        }
    }
}

/// A convolution or its transpose, and what follows it in use.
struct FoldedConvolution {
    private(set) var weight: Tensor
    private(set) var bias: Tensor?
    let stride, padding, outputPadding: Int
    let isTransposed: Bool
    var slope = 1.0

    /// nil for other layers, and for grouped convolutions.
    init?(_ layer: Layer) {
        switch layer {
        case let layer as Conv2d where layer.groups == 1:
            (weight, bias) = (layer.weight.value, layer.bias?.value)
            (stride, padding, outputPadding) = (layer.stride, layer.padding, 0)
            isTransposed = false
        case let layer as ConvTranspose2d where layer.groups == 1:
            (weight, bias) = (layer.weight.value, layer.bias?.value)
            (stride, padding, outputPadding) = (layer.stride, layer.padding, layer.outputPadding)
            isTransposed = true
        default: return nil
        }
    }

    mutating func append(_ norm: BatchNorm2d) {
        let (scale, shift) = norm.folded
        // Weights are [out, in, ...], those of a transposed convolution [in, out, ...].
        weight = weight * scale.reshape(isTransposed ? [1, -1, 1, 1] : [-1, 1, 1, 1])
        bias = bias.map { $0 * scale + shift } ?? shift
    }

    /// Lets go of the layer's own tensors, which may change.
    mutating func keep() { (weight, bias) = (weight.detached().cloned(), bias?.detached().cloned()) }

    func callAsFunction(_ input: Tensor) -> Tensor {
        input.activatedConvolution2d(
            weight: weight, bias: bias, stride: stride, padding: padding, outputPadding: outputPadding,
            transposed: isTransposed, slope: slope)
    }
}
