import Torch

/// Resampling by 2 with the filter [1, 3, 3, 1] in both directions, alone or as a part of a convolution.
///
/// A convolution and the filter beside it are one convolution with a larger kernel. Its weight is a linear function of the
/// weight of the convolution. The result is the same up to rounding. The larger kernel has four times the products, but a GPU
/// computes it faster than a convolution and a filter of each channel.
public final class ResamplingFilter {
    /// How a filter beside a convolution is computed.
    public enum Form: Sendable, CaseIterable {
        /// In the weight of the convolution: 6 x 6 instead of 3 x 3, 4 x 4 instead of 1 x 1.
        case folded
        /// By itself, as in the authors' code.
        case separate

        @TaskLocal private static var chosen: Form?

        /// Runs `body` with a form.
        public static func with<Result>(_ form: Form, _ body: () throws -> Result) rethrows -> Result {
            try $chosen.withValue(form, operation: body)
        }

        /// Form for maps or weights; `separate` where the filter has a fast operator, unless `with` says otherwise.
        static func used(for tensor: Tensor) -> Form {
            chosen ?? (hasOperator(for: tensor) ? .separate : .folded)
        }

        /// Whether the filter has an operator of its own.
        static func hasOperator(for tensor: Tensor) -> Bool {
            tensor.device == .cpu && !Kernels.isPlain && [.float32, .bfloat16].contains(tensor.dtype)
        }
    }

    /// The filter with sum 1, 4 x 4 row by row.
    public static let taps: [Float] = {
        let taps: [Float] = [1, 3, 3, 1].map { $0 / 8 }
        return taps.flatMap { row in taps.map { row * $0 } }
    }()

    private let kept = KeptTensors()

    /// Creates a filter.
    public init() {}

    /// Filter, [4, 4].
    private func filter(for tensor: Tensor) -> Tensor {
        kept("filter", on: tensor.device, .float32) { Tensor(Self.taps, shape: [4, 4]) }
    }

    /// Matrix from weights of kernel 3 to folded weights of kernel 6, [9, 36].
    private func matrix(for tensor: Tensor) -> Tensor {
        kept("matrix", on: tensor.device, .float32) {
            var matrix = [Float](repeating: 0, count: 9 * 36)
            for (y, x) in (0..<9).map({ ($0 / 3, $0 % 3) }) {
                for index in 0..<16 {
                    matrix[(y * 3 + x) * 36 + (y + index / 4) * 6 + x + index % 4] = Self.taps[index]
                }
            }
            return Tensor(matrix, shape: [9, 36])
        }
    }

    /// Weight that filters three channels separately, [3, 3, 4, 4].
    private func colors(for tensor: Tensor) -> Tensor {
        kept("colors", on: tensor.device, .float32) {
            var colors = [Float](repeating: 0, count: 9 * 16)
            for channel in 0..<3 {
                colors.replaceSubrange(channel * 64..<channel * 64 + 16, with: Self.taps)
            }
            return Tensor(colors, shape: [3, 3, 4, 4])
        }
    }

    // MARK: Folded weights

    /// Weight [a, b, 6, 6] of a 3 x 3 convolution [a, b, 3, 3] with the filter.
    private func folded3(_ weight: Tensor) -> Tensor {
        let (a, b) = (weight.shape[0], weight.shape[1])
        return weight.reshape([a * b, 9]).matmul(matrix(for: weight)).reshape([a, b, 6, 6])
    }

    /// Weight [in, out, 6, 6] of a transposed convolution with stride 2 and padding 2: a 3 x 3 convolution that doubles the
    /// side, and the filter with gain 4.
    /// - Parameter weight: [out, in, 3, 3].
    public func upsampling(_ weight: Tensor) -> Tensor { folded3(weight.transposed(0, 1)) * 4 }

    /// Weight [out, in, 6, 6] of a convolution with stride 2 and padding 2: the filter, and a 3 x 3 convolution.
    /// - Parameter weight: [out, in, 3, 3].
    public func downsampling(_ weight: Tensor) -> Tensor { folded3(weight) }

    /// Weight [out, in, 4, 4] of a convolution with stride 2 and padding 1: the filter, and a 1 x 1 convolution.
    /// - Parameter weight: [out, in, 1, 1].
    public func pointwise(_ weight: Tensor) -> Tensor {
        weight * filter(for: weight).to(weight.dtype)
    }

    // MARK: Convolutions

    /// 3 x 3 convolution that doubles the side: [N, in, H, W] to [N, out, 2 H, 2 W].
    /// - Parameter weight: [out, in, 3, 3].
    func convolvedUp(_ input: Tensor, _ weight: Tensor) -> Tensor {
        switch Form.used(for: input) {
        case .folded: input.convTranspose2d(weight: upsampling(weight), bias: nil, stride: 2, padding: 2)
        case .separate:
            smoothed(
                input.convTranspose2d(weight: weight.transposed(0, 1), bias: nil, stride: 2), padding: 1,
                gain: 4)
        }
    }

    /// 3 x 3 convolution that halves the side: [N, in, H, W] to [N, out, H / 2, W / 2].
    /// - Parameter weight: [out, in, 3, 3].
    func convolvedDown(_ input: Tensor, _ weight: Tensor) -> Tensor {
        switch Form.used(for: input) {
        case .folded: input.conv2d(weight: downsampling(weight), bias: nil, stride: 2, padding: 2)
        case .separate: smoothed(input, padding: 2).conv2d(weight: weight, bias: nil, stride: 2)
        }
    }

    /// 1 x 1 convolution that doubles the side: [N, in, H, W] to [N, out, 2 H, 2 W].
    /// - Parameter weight: [out, in, 1, 1].
    func pointwiseUp(_ input: Tensor, _ weight: Tensor) -> Tensor {
        switch Form.used(for: input) {
        case .folded:
            input.convTranspose2d(
                weight: pointwise(weight.transposed(0, 1)) * 4, bias: nil, stride: 2, padding: 1)
        case .separate: upsampled(input.conv2d(weight: weight, bias: nil))
        }
    }

    /// 1 x 1 convolution that halves the side: [N, in, H, W] to [N, out, H / 2, W / 2].
    /// - Parameter weight: [out, in, 1, 1].
    func pointwiseDown(_ input: Tensor, _ weight: Tensor) -> Tensor {
        switch Form.used(for: input) {
        case .folded: input.conv2d(weight: pointwise(weight), bias: nil, stride: 2, padding: 1)
        case .separate: downsampled(input).conv2d(weight: weight, bias: nil)
        }
    }

    // MARK: Maps and colors

    /// Maps of twice the side: [N, C, H, W] to [N, C, 2 H, 2 W].
    func upsampled(_ input: Tensor) -> Tensor {
        if Form.hasOperator(for: input) { return input.resampled(up: 2, gain: 4) }
        let channels = input.shape[1]
        let filter = self.filter(for: input).to(input.dtype) * 4
        return input.convTranspose2d(
            weight: filter.expanded(to: [channels, 1, 4, 4]).contiguous(), bias: nil, stride: 2, padding: 1,
            groups: channels)
    }

    /// Colors of twice the side: [N, 3, H, W] to [N, 3, 2 H, 2 W].
    func upsampledColors(_ input: Tensor) -> Tensor {
        if Form.hasOperator(for: input) { return input.resampled(up: 2, gain: 4) }
        return input.convTranspose2d(
            weight: colors(for: input).to(input.dtype) * 4, bias: nil, stride: 2, padding: 1)
    }

    /// Colors of half the side: [N, 3, H, W] to [N, 3, H / 2, W / 2].
    func downsampledColors(_ input: Tensor) -> Tensor {
        if Form.hasOperator(for: input) { return input.resampled(down: 2) }
        return input.conv2d(
            weight: colors(for: input).to(input.dtype), bias: nil, stride: 2, padding: 1)
    }

    /// Maps of half the side: [N, C, H, W] to [N, C, H / 2, W / 2].
    func downsampled(_ input: Tensor) -> Tensor { smoothed(input, padding: 1, stride: 2) }

    /// Filtered maps.
    /// - Parameters:
    ///   - input: [N, C, H, W].
    ///   - padding: zeros on every side, 1 or 2.
    ///   - stride: 1, or 2 with a padding of 1.
    ///   - gain: factor of the result.
    /// - Returns: [N, C, (H + 2 padding - 4) / stride + 1, ...].
    func smoothed(_ input: Tensor, padding: Int, stride: Int = 1, gain: Double = 1) -> Tensor {
        if Form.hasOperator(for: input) {
            return input.resampled(down: stride, padding: padding, gain: gain)
        }
        let channels = input.shape[1]
        let filter = self.filter(for: input).to(input.dtype) * gain
        return input.conv2d(
            weight: filter.expanded(to: [channels, 1, 4, 4]).contiguous(), bias: nil, stride: stride,
            padding: padding, groups: channels)
    }
}
