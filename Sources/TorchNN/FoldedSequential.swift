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
