import Torch

/// Inference form of a `Sequential` with fewer operators.
///
/// Batch normalizations with running statistics are folded into the weights of the preceding convolutions, and
/// activations are fused with the convolutions. The weights are copies: later changes of the source have no effect.
public final class FoldedSequential {
    private enum Step {
        case convolution(FoldedConvolution)
        case layer(Layer)
    }

    private let steps: [Step]

    /// Folds the layers of `sequential` with their current parameters and running statistics.
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
                    convolution.copyWeights()
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

    /// Applies the layers; input and output shapes are those of the source.
    ///
    /// Call inside `withoutGradients`. Layers that were not folded must be in evaluation mode.
    public func callAsFunction(_ input: Tensor) -> Tensor {
        steps.reduce(input) { value, step in
            switch step {
            case .convolution(let convolution): convolution(value)
            case .layer(let layer): layer(value)
            }
        }
    }
}

/// A convolution or transposed convolution with the batch normalization and activation that follow it.
struct FoldedConvolution {
    private(set) var weight: Tensor
    private(set) var bias: Tensor?
    let stride, padding, outputPadding: Int
    let isTransposed: Bool
    var slope = 1.0

    /// Takes the weights of a convolution with one group; nil for other layers.
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

    /// Folds the running statistics, scale and shift of a normalization into weight and bias.
    mutating func append(_ norm: BatchNorm2d) {
        let (scale, shift) = norm.folded
        // Weights are [out, in, ...], those of a transposed convolution [in, out, ...].
        weight = weight * scale.reshape(isTransposed ? [1, -1, 1, 1] : [-1, 1, 1, 1])
        bias = bias.map { $0 * scale + shift } ?? shift
    }

    /// Replaces the tensors of the layer, which may change, by copies.
    mutating func copyWeights() { (weight, bias) = (weight.detached().cloned(), bias?.detached().cloned()) }

    func callAsFunction(_ input: Tensor) -> Tensor {
        input.activatedConvolution2d(
            weight: weight, bias: bias, stride: stride, padding: padding, outputPadding: outputPadding,
            transposed: isTransposed, slope: slope)
    }
}
