// Operators of neural networks: convolutions, normalizations, pooling, resampling, pixels and losses.
//
// Images are [N, C, H, W]. Weights have PyTorch's shapes.

extension Tensor {
    /// Affine map x W^T + b: [..., in] to [..., out], with weight [out, in] and bias [out].
    public func linear(weight: Tensor, bias: Tensor?, file: StaticString = #fileID, line: UInt = #line)
        -> Tensor
    {
        op("linear", [self, weight, bias], file, line)
    }

    /// 2-D convolution: [N, in, H, W] to [N, out, (H + 2 padding - dilation (kh - 1) - 1) / stride + 1, ...].
    /// - Parameters:
    ///   - weight: [out, in / groups, kh, kw].
    ///   - bias: [out], or nil for none.
    ///   - stride: step of the kernel in both directions, in pixels, above 0.
    ///   - padding: zeros added on every side, 0 or more.
    ///   - dilation: distance of kernel elements, above 0.
    ///   - groups: number of channel groups; divides both channel counts.
    ///   - file: file of the caller, for error messages.
    ///   - line: line of the caller, for error messages.
    public func conv2d(
        weight: Tensor, bias: Tensor?, stride: Int = 1, padding: Int = 0, dilation: Int = 1, groups: Int = 1,
        file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        if Kernels.current == .fast, dilation == 1 {
            return op(
                "facegan::convolution", [self, weight, bias, stride, padding, 0, false, groups], file, line)
        }
        return op(
            "facegan::plain_convolution",
            [self, weight, bias, [stride, stride], [padding, padding], [dilation, dilation], groups], file,
            line)
    }

    /// 2-D convolution with different padding for rows and columns, for kernels that are not square.
    ///
    /// [N, in, H, W] to [N, out, (H + 2 padding.rows - kh) / stride + 1, (W + 2 padding.columns - kw) / stride + 1].
    /// - Parameters:
    ///   - weight: [out, in, kh, kw].
    ///   - bias: [out], or nil for none.
    ///   - stride: step of the kernel in both directions, in pixels, above 0.
    ///   - padding: zeros added on every side, 0 or more.
    ///   - file: file of the caller, for error messages.
    ///   - line: line of the caller, for error messages.
    public func conv2d(
        weight: Tensor, bias: Tensor?, stride: Int = 1, padding: (rows: Int, columns: Int),
        file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        let (rows, columns) = padding
        let shape = weight.shape
        if shape[2] == shape[3], rows == columns {
            return conv2d(weight: weight, bias: bias, stride: stride, padding: rows, file: file, line: line)
        }
        return op(
            "facegan::plain_convolution",
            [self, weight, bias, [stride, stride], [rows, columns], [1, 1], 1], file, line)
    }

    /// Transposed 2-D convolution.
    ///
    /// [N, in, H, W] to [N, out, (H - 1) stride - 2 padding + dilation (kh - 1) + outputPadding + 1, ...].
    /// - Parameters:
    ///   - weight: [in, out / groups, kh, kw].
    ///   - bias: [out], or nil for none.
    ///   - stride: step of the kernel in both directions, in pixels, above 0.
    ///   - padding: zeros added on every side, 0 or more.
    ///   - outputPadding: rows and columns added at the lower and right border of the output.
    ///   - groups: number of channel groups; divides both channel counts.
    ///   - dilation: distance of kernel elements, above 0.
    ///   - file: file of the caller, for error messages.
    ///   - line: line of the caller, for error messages.
    public func convTranspose2d(
        weight: Tensor, bias: Tensor?, stride: Int = 1, padding: Int = 0, outputPadding: Int = 0,
        groups: Int = 1, dilation: Int = 1, file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        if Kernels.current == .fast, dilation == 1, groups == 1 {
            return op(
                "facegan::convolution", [self, weight, bias, stride, padding, outputPadding, true], file, line
            )
        }
        return op(
            "conv_transpose2d.input",
            [
                self, weight, bias, [stride, stride], [padding, padding], [outputPadding, outputPadding],
                groups, [dilation, dilation],
            ], file, line)
    }

    /// Convolution or transposed convolution, followed by a leaky ReLU, in one operator without gradients.
    ///
    /// Shapes as in `conv2d` and `convTranspose2d` with one group and no dilation.
    /// - Parameters:
    ///   - weight: [out, in, kh, kw].
    ///   - bias: [out], or nil for none.
    ///   - stride: step of the kernel in both directions, in pixels, above 0.
    ///   - padding: zeros added on every side, 0 or more.
    ///   - outputPadding: rows and columns added at the lower and right border, below `stride`.
    ///   - transposed: whether the convolution is transposed.
    ///   - slope: factor for negative results; 0 is ReLU, 1 is no activation.
    ///   - file: file of the caller, for error messages.
    ///   - line: line of the caller, for error messages.
    public func activatedConvolution2d(
        weight: Tensor, bias: Tensor?, stride: Int = 1, padding: Int = 0, outputPadding: Int = 0,
        transposed: Bool = false, slope: Double = 1, file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        op(
            "facegan::convolution_activated",
            [self, weight, bias, stride, padding, outputPadding, transposed, slope], file, line)
    }

    /// Batch normalization over all dimensions but the second: [N, C, ...] to [N, C, ...] (Ioffe and Szegedy 2015).
    /// - Parameters:
    ///   - weight: scale [C], or nil for 1.
    ///   - bias: shift [C], or nil for 0.
    ///   - runningMean: [C], updated in place if `training`, otherwise used as the mean.
    ///   - runningVariance: [C], as `runningMean`.
    ///   - training: whether statistics of the batch are used, and the running statistics are updated.
    ///   - momentum: weight of the batch in the update of the running statistics.
    ///   - epsilon: added to the variance.
    ///   - file: file of the caller, for error messages.
    ///   - line: line of the caller, for error messages.
    public func batchNorm(
        weight: Tensor?, bias: Tensor?, runningMean: Tensor?, runningVariance: Tensor?, training: Bool,
        momentum: Double, epsilon: Double, file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        op(
            "batch_norm",
            [self, weight, bias, runningMean, runningVariance, training, momentum, epsilon, true], file, line)
    }

    /// Training-mode batch normalization followed by a leaky ReLU in one operator: [N, C, H, W] to [N, C, H, W].
    ///
    /// All vectors are [C]; the running statistics are updated in place.
    /// - Parameters:
    ///   - weight: scale of the normalization, [C].
    ///   - bias: shift of the normalization, [C].
    ///   - runningMean: [C], updated in place.
    ///   - runningVariance: [C], updated in place.
    ///   - momentum: weight of the batch in the running statistics, 0...1.
    ///   - epsilon: added to the variance.
    ///   - slope: factor for negative results; 0 is ReLU.
    ///   - file: file of the caller, for error messages.
    ///   - line: line of the caller, for error messages.
    public func activatedBatchNorm(
        weight: Tensor, bias: Tensor, runningMean: Tensor, runningVariance: Tensor, momentum: Double,
        epsilon: Double, slope: Double, file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        op(
            "facegan::norm_activated",
            [self, weight, bias, runningMean, runningVariance, momentum, epsilon, slope], file, line)
    }

    /// `activatedBatchNorm` followed by a convolution or transposed convolution, in one operator.
    ///
    /// The tape stores no intermediate result. Shapes as in `conv2d` and `convTranspose2d`.
    /// - Parameters:
    ///   - scale: scale of the normalization, [C].
    ///   - shift: shift of the normalization, [C].
    ///   - runningMean: [C], updated in place.
    ///   - runningVariance: [C], updated in place.
    ///   - momentum: weight of the batch in the running statistics, 0...1.
    ///   - epsilon: added to the variance.
    ///   - slope: factor for negative values between normalization and convolution.
    ///   - weight: weight of the convolution, [out, C, kh, kw], or [C, out, kh, kw] if `transposed`.
    ///   - bias: [out], or nil for none.
    ///   - stride: step of the kernel in both directions, in pixels, above 0.
    ///   - padding: zeros added on every side, 0 or more.
    ///   - outputPadding: rows and columns added at the lower and right border, below `stride`.
    ///   - transposed: whether the convolution is transposed.
    ///   - file: file of the caller, for error messages.
    ///   - line: line of the caller, for error messages.
    public func convolvedBatchNorm(
        scale: Tensor, shift: Tensor, runningMean: Tensor, runningVariance: Tensor, momentum: Double,
        epsilon: Double, slope: Double, weight: Tensor, bias: Tensor?, stride: Int = 1, padding: Int = 0,
        outputPadding: Int = 0, transposed: Bool = false, file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        op(
            "facegan::norm_activated_convolution",
            [
                self, scale, shift, runningMean, runningVariance, momentum, epsilon, slope, weight, bias,
                stride, padding, outputPadding, transposed,
            ], file, line)
    }

    /// Layer normalization over the last dimensions: [..., shape] to [..., shape]; weight and bias have shape `shape`.
    public func layerNorm(
        shape: [Int], weight: Tensor?, bias: Tensor?, epsilon: Double, file: StaticString = #fileID,
        line: UInt = #line
    ) -> Tensor {
        op("layer_norm", [self, shape, weight, bias, epsilon], file, line)
    }

    /// Group normalization: [N, C, ...] to [N, C, ...], over C / groups channels at a time; weight and bias [C].
    public func groupNorm(
        groups: Int, weight: Tensor?, bias: Tensor?, epsilon: Double, file: StaticString = #fileID,
        line: UInt = #line
    ) -> Tensor {
        op("group_norm", [self, groups, weight, bias, epsilon], file, line)
    }

    /// Instance normalization of each channel of each image: [N, C, H, W] to [N, C, H, W]; weight and bias [C].
    public func instanceNorm(
        weight: Tensor?, bias: Tensor?, epsilon: Double, file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        op("instance_norm", [self, weight, bias, nil, nil, true, 0.0, epsilon, true], file, line)
    }

    /// Rows of `self` [count, size] at indices [...], Int64: [..., size].
    public func embedding(_ indices: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("embedding", [self, indices], file, line)
    }

    /// Mean over windows of kernel x kernel pixels: [N, C, H, W] to [N, C, (H + 2 padding - kernel) / stride + 1, ...].
    /// - Parameters:
    ///   - kernel: side of the window, in pixels.
    ///   - stride: step of the kernel in both directions, in pixels, above 0.
    ///   - padding: zeros added on every side, 0 or more.
    ///   - countsPadding: whether the divisor includes the zeros of the padding.
    ///   - file: file of the caller, for error messages.
    ///   - line: line of the caller, for error messages.
    public func averagePool2d(
        _ kernel: Int, stride: Int, padding: Int = 0, countsPadding: Bool = true,
        file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        op(
            "avg_pool2d",
            [self, [kernel, kernel], [stride, stride], [padding, padding], false, countsPadding], file, line)
    }

    /// Mean over a grid of size x size cells: [N, C, H, W] to [N, C, size, size].
    public func adaptiveAveragePool2d(_ size: Int, file: StaticString = #fileID, line: UInt = #line) -> Tensor
    {
        op("adaptive_avg_pool2d", [self, [size, size]], file, line)
    }

    /// Maximum over windows of kernel x kernel pixels: [N, C, H, W] to [N, C, (H + 2 padding - kernel) / stride + 1,
    /// ...].
    /// - Parameters:
    ///   - kernel: side of the window, in pixels.
    ///   - stride: step of the kernel in both directions, in pixels, above 0.
    ///   - padding: zeros added on every side, 0 or more.
    ///   - ceil: round the output size up, so that windows may cross the right and lower border.
    ///   - file: file of the caller, for error messages.
    ///   - line: line of the caller, for error messages.
    public func maxPool2d(
        _ kernel: Int, stride: Int, padding: Int = 0, ceil: Bool = false, file: StaticString = #fileID,
        line: UInt = #line
    ) -> Tensor {
        op(
            "max_pool2d", [self, [kernel, kernel], [stride, stride], [padding, padding], [1, 1], ceil], file,
            line)
    }

    /// Nearest-neighbor resampling: [N, C, H, W] to [N, C, height, width].
    public func upsampledNearest(height: Int, width: Int, file: StaticString = #fileID, line: UInt = #line)
        -> Tensor
    {
        op("upsample_nearest2d", [self, [height, width]], file, line)
    }

    /// Bilinear resampling without a low-pass filter: [N, C, H, W] to [N, C, height, width].
    /// - Parameters:
    ///   - height: height of the result, in pixels.
    ///   - width: width of the result, in pixels.
    ///   - alignCorners: map the centers of the corner pixels onto each other; otherwise map the image borders.
    ///   - file: file of the caller, for error messages.
    ///   - line: line of the caller, for error messages.
    public func upsampledBilinear(
        height: Int, width: Int, alignCorners: Bool = false, file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        op("upsample_bilinear2d", [self, [height, width], alignCorners], file, line)
    }

    /// Antialiased bilinear resampling: [N, C, H, W] to [N, C, height, width]. Reduction weights every source pixel.
    public func resizedBilinear(height: Int, width: Int, file: StaticString = #fileID, line: UInt = #line)
        -> Tensor
    {
        op("_upsample_bilinear2d_aa", [self, [height, width], false], file, line)
    }

    /// Antialiased bicubic resampling: [N, C, H, W] to [N, C, height, width]. Reduction weights every source pixel.
    public func resizedBicubic(height: Int, width: Int, file: StaticString = #fileID, line: UInt = #line)
        -> Tensor
    {
        op("_upsample_bicubic2d_aa", [self, [height, width], false], file, line)
    }

    /// Bicubic interpolation at given points, with reflection at the borders: [N, C, H, W] to [N, C, h, w].
    /// - Parameters:
    ///   - points: (x, y) pairs [N, h, w, 2]; -1 and 1 are the centers of the first and last pixels.
    ///   - file: file of the caller, for error messages.
    ///   - line: line of the caller, for error messages.
    public func sampled(at points: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("grid_sampler_2d", [self, points, 2, 2, true], file, line)
    }

    /// Depth to space: [N, C r r, H, W] to [N, C, H r, W r].
    public func pixelShuffle(_ factor: Int, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("pixel_shuffle", [self, factor], file, line)
    }

    /// Space to depth: [N, C, H r, W r] to [N, C r r, H, W].
    public func pixelUnshuffle(_ factor: Int, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("pixel_unshuffle", [self, factor], file, line)
    }

    /// Images [N, C, H, W] in -1...1 as UInt8 [N, H, W, C], rounded to the nearest level and clamped to 0...255.
    public func pixels(file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("facegan::pixels", [self], file, line)
    }

    /// Host pixels, UInt8 [N, H, W, 3], as Float [N, 3, H, W] in -1...1 on `device`, channels-last in memory.
    public static func pictures(_ pixels: [UInt8], count: Int, height: Int, width: Int, on device: Device)
        -> Tensor
    {
        let bytes = pixels.withUnsafeBytes {
            Tensor(copying: $0, shape: [count, height, width, 3], dtype: .uint8)
        }
        return pictures(bytes.to(device))
    }

    /// Pixels UInt8 [N, H, W, 3] as Float [N, 3, H, W] in -1...1 on the same device, channels-last in memory.
    public static func pictures(_ pixels: Tensor) -> Tensor {
        pixels.permuted([0, 3, 1, 2]).to(.float32) / PixelRange.middle - 1
    }

    /// Square host pixels, UInt8 [N, side, side, 3], as Float [N, 3, side, side] in -1...1 on `device`.
    public static func pictures(_ pixels: [UInt8], count: Int, side: Int, on device: Device) -> Tensor {
        pictures(pixels, count: count, height: side, width: side, on: device)
    }

    /// Mean binary cross-entropy of logits `self`, shape [].
    /// - Parameters:
    ///   - targets: probabilities 0...1 of the same shape as the logits.
    ///   - weight: weight of each element, broadcast to the shape of the logits.
    ///   - file: file of the caller, for error messages.
    ///   - line: line of the caller, for error messages.
    public func binaryCrossEntropyWithLogits(
        _ targets: Tensor, weight: Tensor? = nil, file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        op("binary_cross_entropy_with_logits", [self, targets, weight], file, line)
    }

    /// Mean squared error between two tensors of one shape, shape [].
    public func meanSquaredError(_ target: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor
    {
        op("mse_loss", [self, target], file, line)
    }

    /// Mean absolute error between two tensors of one shape, shape [].
    public func meanAbsoluteError(_ target: Tensor, file: StaticString = #fileID, line: UInt = #line)
        -> Tensor
    {
        op("l1_loss", [self, target], file, line)
    }
}
