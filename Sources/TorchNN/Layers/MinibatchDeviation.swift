import Torch

/// Adds a channel that says how much pictures differ within groups of a batch (Karras et al. 2018, section 3).
///
/// Input [N, C, H, W], output [N, C + 1, H, W]. N / group groups, each of every (N / group)-th picture.
public final class MinibatchDeviation: Layer {
    private let group: Int
    private let epsilon: Double

    /// - Parameter group: pictures that are compared; a smaller batch is one group.
    public init(group: Int = 4, epsilon: Double = 1e-8) { (self.group, self.epsilon) = (group, epsilon) }

    public override func callAsFunction(_ input: Tensor) -> Tensor {
        let shape = input.shape
        let group = min(group, shape[0])
        require(
            shape[0] % group == 0,
            "MinibatchDeviation: \(input.summary) does not divide by groups of \(group)")
        // Squares of small differences: in half precision, epsilon would be nothing.
        let groups = input.atLeastSingle().reshape([group, shape[0] / group] + shape[1...])
        let deviations = (groups.variance([0]) + epsilon).sqrt().mean([1, 2, 3], keep: true)
        let channel = deviations.repeated([group, 1, 1, 1]).expanded(to: [shape[0], 1, shape[2], shape[3]])
        return Tensor.concatenated([input, channel.to(input.dtype)], 1)
    }

    public override var details: String { "groups of \(group)" }
}
