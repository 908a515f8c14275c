import Torch
import TorchNN

/// Synthesis network for inference, with the weights at the time of its creation: filters are folded where that is faster, and
/// gains, biases and constant noise are combined. Without gradients.
///
/// Rows are computed in groups of `rowsAtOnce`, so that the maps of a group remain in the cache.
final class PreparedSynthesis {
    /// Rows of a group.
    static let rowsAtOnce = 4

    /// A modulated convolution.
    private struct Convolution {
        /// [O, I, 3, 3]. Transposed if the layer upsamples: [I, O, 6, 6] if it is folded, otherwise [I, O, 3, 3] with gain 4.
        let weight: Tensor
        /// Sums of squares of the weight, [I, O].
        let squares: Tensor
        /// Scaled weight [I, W] and bias [I] of the styles.
        let style: (weight: Tensor, bias: Tensor)
        /// Bias times gain, [1, O, 1, 1].
        let bias: Tensor
        /// Bias and constant noise times gain, [1, O, side, side].
        let biasAndNoise: Tensor
        /// Strength of the noise times gain, [].
        let strength: Tensor
        let gain: Double
        let clamp: Double?
        let upsamples: Bool
    }

    private struct Colors {
        /// [3, I].
        let weight: Tensor
        let style: (weight: Tensor, bias: Tensor)
        /// [3].
        let bias: Tensor
        let clamp: Double?
    }

    private struct Block {
        let convolutions: [Convolution]
        let colors: Colors?
        /// Colors of a smaller network during a fade-in; nil for none, or if `colors` are used.
        let fading: Colors?
        /// Weight of the shortcut: folded and transposed, [I, O, 4, 4], otherwise [O, I, 1, 1].
        let skip: Tensor?
        let side: Int
    }

    /// Noise of a group of rows.
    enum GroupNoise {
        case none, constant
        /// One stream for each row.
        case streams([RandomSource])
    }

    private let blocks: [Block]
    private let constant: Tensor
    private let fade: StyleFade?
    private let filter = ResamplingFilter()
    private let isFolded: Bool

    init(_ synthesis: StyleSynthesis) {
        let constant = synthesis.blocks[0].constant!.value
        let (filter, isFolded) = (filter, ResamplingFilter.Form.used(for: constant) == .folded)
        self.isFolded = isFolded
        fade = synthesis.currentFade
        (self.constant, blocks) = withoutGradients {
            (
                constant.unsqueezed(0).cloned().to(.channelsLast),
                synthesis.blocks.map { Self.prepared($0, isFolded ? filter : nil) }
            )
        }
    }

    /// - Parameter filter: filter to fold; nil for none.
    private static func prepared(_ block: StyleBlock, _ filter: ResamplingFilter?) -> Block {
        let last = block.convolutions.count - 1
        let convolutions = block.convolutions.enumerated().map { index, layer in
            let gain = index == last && block.skip != nil ? 0.5.squareRoot() : 1
            let total = gain * StyleActivation.gain
            let weight = layer.weight.value.detached()
            let bias = (layer.bias.value.detached() * total).reshape([1, -1, 1, 1])
            let strength = layer.noiseStrength.value.detached() * total
            let noise = (layer.noiseConst.value * strength).reshape([1, 1, layer.side, layer.side])
            return Convolution(
                weight: (!layer.upsamples
                    ? weight.cloned()
                    : filter?.upsampling(weight) ?? (weight.transposed(0, 1) * 4)).to(.channelsLast),
                squares: weight.square().sum([2, 3]).transposed(0, 1).contiguous(),
                style: layer.affine.effectiveValues(), bias: bias,
                biasAndNoise: (bias + noise).to(.channelsLast), strength: strength, gain: total,
                clamp: layer.clamp.map { $0 * gain }, upsamples: layer.upsamples)
        }
        let skip = block.skip.map { layer in
            let weight = layer.effectiveWeights().weight.detached()
            return filter.map { ($0.pointwise(weight.transposed(0, 1)) * 4).to(.channelsLast) }
                ?? weight.cloned()
        }
        return Block(
            convolutions: convolutions, colors: block.toRgb.map(Self.prepared),
            fading: block.fadingToRgb.map(Self.prepared), skip: skip, side: block.side)
    }

    private static func prepared(_ layer: ModulatedColors) -> Colors {
        let weight = layer.weight.value.detached()
        return Colors(
            weight: (weight * (1 / Double(weight.shape[1]).squareRoot())).reshape([3, -1]),
            style: layer.affine.effectiveValues(), bias: layer.bias.value.detached().cloned(),
            clamp: layer.clamp)
    }

    /// Styles of a layer for all rows.
    private struct Style {
        /// [N, I].
        let input: Tensor
        /// [N, O], with the gain; nil for colors.
        let output: Tensor?

        subscript(rows: Range<Int>) -> Style { Style(input: input[rows], output: output.map { $0[rows] }) }
    }

    /// Generates pictures [N, 3, R, R] in float32 from w+ [N, L, W].
    /// - Parameter noise: noise of a range of rows.
    func callAsFunction(_ w: Tensor, noise: (Range<Int>) -> GroupNoise) -> Tensor {
        let count = w.shape[0]
        let styles: [[Style]] = withAutocast(.float32, on: w.device) { self.styles(of: w) }
        let groups = stride(from: 0, to: count, by: Self.rowsAtOnce).map { start in
            let rows = start..<min(count, start + Self.rowsAtOnce)
            return pictures(styles.map { $0.map { $0[rows] } }, rows.count, noise(rows))
        }
        return groups.count == 1 ? groups[0] : .concatenated(groups)
    }

    /// Styles of all layers, by block. A matrix product of few rows has other last bits, so they are padded.
    private func styles(of w: Tensor) -> [[Style]] {
        let count = w.shape[0]
        let missing = max(0, Self.rowsAtOnce - count)
        let padded =
            missing == 0 ? w : .concatenated([w] + Array(repeating: w[0..<1], count: missing))
        var next = 0
        return blocks.map { block in
            defer { next += block.convolutions.count }
            var found = block.convolutions.enumerated().map { index, layer in
                let row = padded.select(1, next + index).contiguous()
                let input = row.linear(weight: layer.style.weight, bias: layer.style.bias)
                let output = (input.square().matmul(layer.squares) + 1e-8).rsqrt() * layer.gain
                return Style(input: input[0..<count], output: output[0..<count])
            }
            if let colors = block.colors ?? (block.side == fade?.side ? block.fading : nil) {
                let row = padded.select(1, next + block.convolutions.count).contiguous()
                let input = row.linear(weight: colors.style.weight, bias: colors.style.bias)
                found.append(Style(input: input[0..<count], output: nil))
            }
            return found
        }
    }

    private func pictures(_ styles: [[Style]], _ count: Int, _ noise: GroupNoise) -> Tensor {
        var maps = constant
        var (colors, smaller) = (Tensor?.none, Tensor?.none)
        for (block, styles) in zip(blocks, styles) {
            let input = maps
            for (layer, style) in zip(block.convolutions, styles) {
                maps = convolved(maps, layer, style, noise, side: block.side)
            }
            if let skip = block.skip {
                maps =
                    maps
                    + (isFolded
                        ? input.convTranspose2d(weight: skip, bias: nil, stride: 2, padding: 1)
                        : filter.upsampled(input.conv2d(weight: skip, bias: nil)))
            }
            if let before = colors { colors = filter.upsampledColors(before) }
            if let layer = block.colors {
                let own = Self.colored(maps, layer, styles[block.convolutions.count])
                colors = colors.map { $0 + own } ?? own
            }
            if let fade, block.side == fade.side {
                smaller =
                    colors
                    ?? block.fading.map {
                        Self.colored(maps, $0, styles[block.convolutions.count])
                    }
            }
        }
        guard let fade, let smaller else { return colors! }
        return fade.mixed(colors!, with: smaller, filter)
    }

    private func convolved(
        _ input: Tensor, _ layer: Convolution, _ style: Style, _ noise: GroupNoise, side: Int
    ) -> Tensor {
        let scaled = input * Modulation.factors(style.input, like: input)
        let sums: Tensor =
            switch (layer.upsamples, isFolded) {
            case (false, _): scaled.conv2d(weight: layer.weight, bias: nil, padding: 1)
            case (true, true):
                scaled.convTranspose2d(weight: layer.weight, bias: nil, stride: 2, padding: 2)
            case (true, false):
                filter.smoothed(
                    scaled.convTranspose2d(weight: layer.weight, bias: nil, stride: 2), padding: 1)
            }
        let factors = Modulation.factors(style.output!, like: sums)
        let added: Tensor =
            switch noise {
            case .none: layer.bias
            case .constant: layer.biasAndNoise
            case .streams(let streams):
                layer.bias + layer.strength
                    * Tensor.concatenated(streams.map { Tensor.normal([1, 1, side, side], random: $0) })
                    .to(layer.bias.device)
            }
        let maps = added.to(sums.dtype).addingProduct(sums, factors)
        maps.leakyReLU_(0.2)
        return layer.clamp.map { maps.clamped(-$0...$0) } ?? maps
    }

    /// Colors [N, 3, side, side] of maps [N, I, side, side], by one matrix product for each row.
    private static func colored(_ maps: Tensor, _ layer: Colors, _ style: Style) -> Tensor {
        let (count, inputs, side) = (maps.shape[0], maps.shape[1], maps.shape[2])
        let pixels = maps.permuted([0, 2, 3, 1]).reshape([count, side * side, inputs])
        let rows = (0..<count).map { row in
            let weight = (layer.weight * style.input.select(0, row)).transposed(0, 1).to(pixels.dtype)
            return pixels.select(0, row).matmul(weight)
        }
        let colors = Tensor.stacked(rows, 0).atLeastSingle() + layer.bias
        let images = colors.reshape([count, side, side, 3]).permuted([0, 3, 1, 2])
        return layer.clamp.map { images.clamped(-$0...$0) } ?? images
    }

    /// Whether single rows are computed with the same bits as several: all convolutions are products over tiles.
    static func computesSingleRows(_ synthesis: StyleSynthesis) -> Bool {
        synthesis.blocks.allSatisfy { block in
            block.skip == nil
                && block.convolutions.allSatisfy { layer in
                    layer.weight.value.shape.prefix(2).allSatisfy { $0 % 16 == 0 && $0 >= 64 }
                }
        }
    }
}
