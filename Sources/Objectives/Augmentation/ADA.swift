import Torch

/// Parameters of ADA (Karras et al. 2020, arXiv:2006.06676, appendix B).
package enum ADAParameter: Int, PictureParameter {
    /// 1 if the picture is mirrored horizontally.
    case mirrored
    /// Clockwise quarter turns, 0...3.
    case quarterTurns
    /// Integer translation to the right and down, in pixels.
    case shiftX, shiftY
    /// Scale factor; above 1 enlarges.
    case scale
    /// Factor of the width and divisor of the height.
    case stretch
    /// Clockwise rotation before and after stretching, in radians.
    case rotationBefore, rotationAfter
    /// Fractional translation to the right and down, in pixels.
    case moveX, moveY
    /// Added to all channels.
    case brightness
    /// Factor of all channels.
    case contrast
    /// 1 if luma is inverted, with the chroma unchanged.
    case lumaFlipped
    /// Rotation around the gray axis from red towards green, in radians.
    case hue
    /// Factor of the difference from gray.
    case saturation
    /// Factors of the bands of `FrequencyBands`, from the lowest.
    case band0, band1, band2, band3
    /// Standard deviation of the noise, with any sign.
    case noise
    /// Rectangle of the cutout, in pixels: first column, end of the columns, first row, end of the rows.
    case left, right, top, bottom

    package var identity: Double {
        switch self {
        case .scale, .stretch, .contrast, .saturation, .band0, .band1, .band2, .band3: 1
        default: 0
        }
    }
}

/// Parameters of N pictures.
package typealias ADAParameters = ParameterTable<ADAParameter>

/// ADA of batches.
package final class ADA {
    private let settings: AugmentSettings
    private var plans: [PictureSize: ParameterPlan<ADAParameter>] = [:]
    private let warp: Warp
    private let color = ColorTransform()
    private let bands = FrequencyBands()
    private let cutout = Cutout()
    private let kept = KeptTensors()

    /// Creates an augmentation with settings.
    package init(_ settings: AugmentSettings) {
        self.settings = settings
        // Without general geometry, pixels map to pixels and need no oversampling.
        warp = Warp(isOversampled: settings.geometry > 0, padding: .reflection)
    }

    /// Parameters of N pictures of one size. Operations that are off use random values, too.
    /// - Parameter probability: probability of each operation, before the multiplier of its group; shape [], float64.
    package func parameters(_ draws: AugmentationDraws, probability: Tensor, of size: PictureSize)
        -> ADAParameters
    {
        let plan = plans[size] ?? Self.plan(settings, of: size)
        plans[size] = plan
        return plan(draws, probability: probability)
    }

    /// Augments each picture with its own parameters. Groups that are off cost nothing.
    /// - Parameters:
    ///   - images: [N, 3, H, W].
    ///   - parameters: parameters of the pictures.
    ///   - noise: N(0, 1), of the shape of `images`; nil for none.
    /// - Returns: [N, 3, H, W].
    package func callAsFunction(_ images: Tensor, _ parameters: ADAParameters, noise: Tensor?) -> Tensor {
        var images = images
        if settings.blit > 0 || settings.geometry > 0 { images = warp(images, maps(parameters)) }
        if settings.color > 0 { images = recolored(images, parameters) }
        if settings.filter > 0 { images = bands(images, gains: bands.gains(parameters.block(.band0, 4))) }
        if let noise {
            let deviations = parameters[.noise].abs().reshape([images.shape[0], 1, 1, 1])
            images = images + noise.to(images.device, images.dtype) * deviations.to(images.dtype)
        }
        if settings.corruption > 0 { images = cutout(images, parameters.block(.left, 4)) }
        return images
    }

    /// Maps [N, 2, 3] from positions in the result to positions in the picture, in pixels relative to the center; x to
    /// the right, y down.
    package func maps(_ parameters: ADAParameters) -> Tensor {
        let (count, device) = (parameters.values.shape[0], parameters.values.device)
        // Inverse of mirroring and quarter turns, without rounding.
        let turns = kept("turns", on: device) {
            let quarters = [(1.0, 0.0), (0, 1), (-1, 0), (0, -1)]
            let matrices = [1.0, -1].flatMap { side in
                quarters.flatMap { c, s in [side * c, side * s, -s, c] }
            }
            return Tensor(doubles: matrices, shape: [8, 2, 2])
        }
        let index = (parameters[.mirrored] * 4 + parameters[.quarterTurns]).to(.int64)
        let turn = turns.indexSelect(0, index)

        let angles = parameters.block(.rotationBefore, 2).reshape([count, 2, 1, 1])
        let same = kept("same", on: device) { Tensor.identity(2) }
        let quarter = kept("quarter", on: device) { Tensor(doubles: [0, 1, -1, 0], shape: [2, 2]) }
        let rotations = angles.cos() * same + angles.sin() * quarter
        let stretch = parameters[.stretch]
        let factors = Tensor.stacked([stretch.pow(-1), stretch], 1) / parameters.block(.scale, 1)
        let (before, after) = (rotations.select(1, 0), rotations.select(1, 1))
        let linear = turn.matmul(before.matmul(factors.reshape([count, 2, 1]) * after))

        let shift = parameters.block(.shiftX, 2).reshape([count, 2, 1])
        let move = parameters.block(.moveX, 2).reshape([count, 2, 1])
        return Tensor.concatenated([linear, -(turn.matmul(shift) + linear.matmul(move))], 2)
    }

    /// Brightness, contrast, luma flip, hue and saturation in one transformation.
    package func recolored(_ images: Tensor, _ parameters: ADAParameters) -> Tensor {
        let contrast = parameters[.contrast]
        let (rest, hue) = (contrast * parameters[.saturation], parameters[.hue])
        let gray = contrast * (1 - parameters[.lumaFlipped] * 2)
        let linear = color.linear(gray: gray, rest: rest * hue.cos(), turned: rest * hue.sin())
        let offset = (gray * parameters[.brightness]).reshape([gray.shape[0], 1, 1])
        return color(images, linear: linear, offset: offset)
    }
}

extension ADA {
    /// The operations in the order of the paper.
    private static func plan(_ settings: AugmentSettings, of size: PictureSize) -> ParameterPlan<ADAParameter>
    {
        let plan = ParameterPlan<ADAParameter>()
        let (width, height) = (Double(size.width), Double(size.height))
        /// Uses one random value for the event, then one for the amount.
        func set(
            _ parameter: ADAParameter, _ multiplier: Double,
            _ amount: () -> ParameterPlan<ADAParameter>.Amount
        ) {
            let event = plan.event(multiplier)
            plan.set(parameter, to: amount(), if: event)
        }
        set(.mirrored, settings.blit) { plan.integer(in: 0..<2) }
        set(.quarterTurns, settings.blit) { plan.integer(in: 0..<4) }
        let translates = plan.event(settings.blit)
        plan.set(.shiftX, to: plan.pixels(in: -0.125 * width..<0.125 * width), if: translates)
        plan.set(.shiftY, to: plan.pixels(in: -0.125 * height..<0.125 * height), if: translates)

        // At least one of the two rotations happens with the probability of the other operations.
        func rotate(_ parameter: ADAParameter) {
            var event = plan.event(settings.geometry)
            event.isOneOfTwo = true
            plan.set(parameter, to: plan.number(in: -Double.pi..<Double.pi), if: event)
        }
        set(.scale, settings.geometry) { plan.power(0.2) }
        rotate(.rotationBefore)
        set(.stretch, settings.geometry) { plan.power(0.2) }
        rotate(.rotationAfter)
        let moves = plan.event(settings.geometry)
        plan.set(.moveX, to: plan.normal(0.125 * width), if: moves)
        plan.set(.moveY, to: plan.normal(0.125 * height), if: moves)

        set(.brightness, settings.color) { plan.normal(0.2) }
        set(.contrast, settings.color) { plan.power(0.5) }
        set(.lumaFlipped, settings.color) { plan.integer(in: 0..<2) }
        set(.hue, settings.color) { plan.number(in: -Double.pi..<Double.pi) }
        set(.saturation, settings.color) { plan.power(1) }
        for band in [ADAParameter.band0, .band1, .band2, .band3] {
            set(band, settings.filter) { plan.power(1) }
        }
        set(.noise, settings.corruption) { plan.normal(0.1) }
        let cuts = plan.event(settings.corruption)
        for (first, end, side) in [(ADAParameter.left, ADAParameter.right, width), (.top, .bottom, height)] {
            // The center is uniform in the picture.
            var amount = plan.pixels(in: -0.25 * side..<0.75 * side)
            plan.set(first, to: amount, if: cuts)
            amount.offset += 0.5 * side
            plan.set(end, to: amount, if: cuts)
        }
        return plan
    }
}
