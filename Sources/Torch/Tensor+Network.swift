// What networks are made of; images are [N, C, H, W].

extension Tensor {
    /// x wT + b; weight [out, in].
    public func linear(weight: Tensor, bias: Tensor?, file: StaticString = #fileID, line: UInt = #line)
        -> Tensor
    {
        op("linear", [self, weight, bias], file, line)
    }

    /// Convolution; weight [out, in / groups, kh, kw].
    public func conv2d(
        weight: Tensor, bias: Tensor?, stride: Int = 1, padding: Int = 0, dilation: Int = 1, groups: Int = 1,
        file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        if Kernels.current == .fast, dilation == 1, groups == 1 {
            return op("facegan::convolution", [self, weight, bias, stride, padding, 0, false], file, line)
        }
        return op(
            "facegan::plain_convolution",
            [self, weight, bias, [stride, stride], [padding, padding], [dilation, dilation], groups], file,
            line)
    }

    /// Convolution whose window or padding differs between rows and columns; weight [out, in, kh, kw].
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

    /// Transposed convolution; weight [in, out / groups, kh, kw].
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

    /// Convolution or, if `transposed`, its transpose; then x where it is positive, else slope * x. Has no gradient.
    /// - Parameter slope: 1 for none.
    public func activatedConvolution2d(
        weight: Tensor, bias: Tensor?, stride: Int = 1, padding: Int = 0, outputPadding: Int = 0,
        transposed: Bool = false, slope: Double = 1, file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        op(
            "facegan::convolution_activated",
            [self, weight, bias, stride, padding, outputPadding, transposed, slope], file, line)
    }

    /// Batch normalization; running statistics are updated in place when training.
    public func batchNorm(
        weight: Tensor?, bias: Tensor?, runningMean: Tensor?, runningVariance: Tensor?, training: Bool,
        momentum: Double, epsilon: Double, file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        op(
            "batch_norm",
            [self, weight, bias, runningMean, runningVariance, training, momentum, epsilon, true], file, line)
    }

    /// Batch normalization in training, then x where it is positive, else slope * x: one operator of both.
    public func activatedBatchNorm(
        weight: Tensor, bias: Tensor, runningMean: Tensor, runningVariance: Tensor, momentum: Double,
        epsilon: Double, slope: Double, file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        op(
            "facegan::norm_activated",
            [self, weight, bias, runningMean, runningVariance, momentum, epsilon, slope], file, line)
    }

    /// `activatedBatchNorm`, then a convolution or, if `transposed`, its transpose: one operator of them all, which keeps
    /// nothing of what lies between them.
    /// - Parameters:
    ///   - scale: of the normalization, as `shift`.
    ///   - slope: of the activation.
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

    /// Normalization over the last dimensions `shape`.
    public func layerNorm(
        shape: [Int], weight: Tensor?, bias: Tensor?, epsilon: Double, file: StaticString = #fileID,
        line: UInt = #line
    ) -> Tensor {
        op("layer_norm", [self, shape, weight, bias, epsilon], file, line)
    }

    /// Normalization over groups of channels.
    public func groupNorm(
        groups: Int, weight: Tensor?, bias: Tensor?, epsilon: Double, file: StaticString = #fileID,
        line: UInt = #line
    ) -> Tensor {
        op("group_norm", [self, groups, weight, bias, epsilon], file, line)
    }

    /// Normalization of each channel of each picture.
    public func instanceNorm(
        weight: Tensor?, bias: Tensor?, epsilon: Double, file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        op("instance_norm", [self, weight, bias, nil, nil, true, 0.0, epsilon, true], file, line)
    }

    /// Rows of `self` [count, size] picked by indices (Int64).
    public func embedding(_ indices: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("embedding", [self, indices], file, line)
    }

    /// Mean over windows.
    /// - Parameter countsPadding: whether the zeros of the padding count.
    public func averagePool2d(
        _ kernel: Int, stride: Int, padding: Int = 0, countsPadding: Bool = true,
        file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        op(
            "avg_pool2d",
            [self, [kernel, kernel], [stride, stride], [padding, padding], false, countsPadding], file, line)
    }

    /// Mean over a grid of `size` x `size` cells.
    public func adaptiveAveragePool2d(_ size: Int, file: StaticString = #fileID, line: UInt = #line) -> Tensor
    {
        op("adaptive_avg_pool2d", [self, [size, size]], file, line)
    }

    /// Maximum over windows.
    public func maxPool2d(
        _ kernel: Int, stride: Int, padding: Int = 0, ceil: Bool = false, file: StaticString = #fileID,
        line: UInt = #line
    ) -> Tensor {
        op(
            "max_pool2d", [self, [kernel, kernel], [stride, stride], [padding, padding], [1, 1], ceil], file,
            line)
    }

    /// Enlarged or reduced to a size by nearest neighbors.
    public func upsampledNearest(height: Int, width: Int, file: StaticString = #fileID, line: UInt = #line)
        -> Tensor
    {
        op("upsample_nearest2d", [self, [height, width]], file, line)
    }

    /// Enlarged or reduced to a size bilinearly, pixel centers aligned.
    public func upsampledBilinear(height: Int, width: Int, file: StaticString = #fileID, line: UInt = #line)
        -> Tensor
    {
        op("upsample_bilinear2d", [self, [height, width], false], file, line)
    }

    /// Enlarged or reduced to a size bilinearly, pixel centers aligned; a smaller size takes in every pixel.
    public func resizedBilinear(height: Int, width: Int, file: StaticString = #fileID, line: UInt = #line)
        -> Tensor
    {
        op("_upsample_bilinear2d_aa", [self, [height, width], false], file, line)
    }

    /// Enlarged or reduced to a size by cubics, pixel centers aligned; a smaller size takes in every pixel.
    public func resizedBicubic(height: Int, width: Int, file: StaticString = #fileID, line: UInt = #line)
        -> Tensor
    {
        op("_upsample_bicubic2d_aa", [self, [height, width], false], file, line)
    }

    /// Values at `points` [N, h, w, 2] (x, y), where -1 and 1 are the centers of the outermost pixels, by cubics; beyond them the
    /// picture is mirrored. [N, C, H, W] to [N, C, h, w].
    public func sampled(at points: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("grid_sampler_2d", [self, points, 2, 2, true], file, line)
    }

    /// Enlarged to a size bilinearly, corners aligned with corners.
    public func stretched(height: Int, width: Int, file: StaticString = #fileID, line: UInt = #line) -> Tensor
    {
        op("upsample_bilinear2d", [self, [height, width], true], file, line)
    }

    /// Depth to space: [N, C r r, H, W] to [N, C, H r, W r].
    public func pixelShuffle(_ factor: Int, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("pixel_shuffle", [self, factor], file, line)
    }

    /// Space to depth: [N, C, H r, W r] to [N, C r r, H, W].
    public func pixelUnshuffle(_ factor: Int, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("pixel_unshuffle", [self, factor], file, line)
    }

    /// Pictures [N, C, H, W] in -1...1 as bytes [N, H, W, C], rounded, with what lies outside taken to the ends.
    public func pixels(file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("facegan::pixels", [self], file, line)
    }

    /// Host pixels [N, H, W, 3] on a device: [N, 3, H, W] in -1...1, channels last in memory.
    public static func pictures(_ pixels: [UInt8], count: Int, height: Int, width: Int, on device: Device)
        -> Tensor
    {
        let bytes = pixels.withUnsafeBytes {
            Tensor(copying: $0, shape: [count, height, width, 3], dtype: .uint8)
        }
        return bytes.to(device).permuted([0, 3, 1, 2]).to(.float32) / PixelRange.middle - 1
    }

    /// The same of squares.
    public static func pictures(_ pixels: [UInt8], count: Int, side: Int, on device: Device) -> Tensor {
        pictures(pixels, count: count, height: side, width: side, on: device)
    }

    /// Mean binary cross entropy of logits and targets 0...1.
    public func binaryCrossEntropyWithLogits(
        _ targets: Tensor, weight: Tensor? = nil, file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        op("binary_cross_entropy_with_logits", [self, targets, weight], file, line)
    }

    /// Mean squared error.
    public func meanSquaredError(_ target: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor
    {
        op("mse_loss", [self, target], file, line)
    }

    /// Mean absolute error.
    public func meanAbsoluteError(_ target: Tensor, file: StaticString = #fileID, line: UInt = #line)
        -> Tensor
    {
        op("l1_loss", [self, target], file, line)
    }
}
