import Torch

/// Parameters of DiffAugment (Zhao et al. 2020, arXiv:2006.10738, section 3.2).
package enum DiffAugmentParameter: Int, PictureParameter {
    /// Added to all channels.
    case brightness
    /// Factor of the difference from the gray of the same pixel.
    case saturation
    /// Factor of the difference from the mean of the picture.
    case contrast
    /// Integer translation to the right and down, in pixels.
    case shiftX, shiftY
    /// Rectangle of the cutout, in pixels: first column, end of the columns, first row, end of the rows.
    case left, right, top, bottom

    package var identity: Double { self == .saturation || self == .contrast ? 1 : 0 }
}

/// DiffAugment of batches.
package final class DiffAugment {
    private let settings: AugmentSettings
    private var plans: [PictureSize: ParameterPlan<DiffAugmentParameter>] = [:]
    private let color = ColorTransform()
    private let warp = Warp(isOversampled: false, padding: .zeros)
    private let cutout = Cutout()
    private let kept = KeptTensors()

    /// Creates an augmentation with settings.
    package init(_ settings: AugmentSettings) { self.settings = settings }

    /// Parameters of N pictures of one size. Operations that are off use random values, too.
    /// - Parameter probability: probability that a picture is changed; shape [], float64.
    package func parameters(_ draws: AugmentationDraws, probability: Tensor, of size: PictureSize)
        -> ParameterTable<DiffAugmentParameter>
    {
        let plan = plans[size] ?? Self.plan(settings, of: size)
        plans[size] = plan
        return plan(draws, probability: probability)
    }

    private static func plan(_ settings: AugmentSettings, of size: PictureSize)
        -> ParameterPlan<DiffAugmentParameter>
    {
        let plan = ParameterPlan<DiffAugmentParameter>()
        let changes = plan.event(1)
        func set(
            _ parameter: DiffAugmentParameter, to amount: ParameterPlan<DiffAugmentParameter>.Amount,
            _ isOn: Bool
        ) {
            plan.set(parameter, to: amount, if: .init(column: changes.column, multiplier: isOn ? 1 : 0))
        }
        set(.brightness, to: plan.number(in: -0.5..<0.5), settings.recolor)
        set(.saturation, to: plan.number(in: 0..<2), settings.recolor)
        set(.contrast, to: plan.number(in: 0.5..<1.5), settings.recolor)
        for (parameter, side) in [(DiffAugmentParameter.shiftX, size.width), (.shiftY, size.height)] {
            let limit = (side + 4) / 8
            set(parameter, to: plan.integer(in: -limit..<limit + 1), settings.translate)
        }
        for (first, end, side) in [
            (DiffAugmentParameter.left, DiffAugmentParameter.right, size.width), (.top, .bottom, size.height),
        ] {
            let length = (side + 1) / 2
            // The center is anywhere in the picture, so part of the rectangle may be outside.
            let centers = side + (length % 2 == 0 ? 1 : 0)
            var amount = plan.integer(in: -(length / 2)..<centers - length / 2)
            set(first, to: amount, settings.cutOut)
            amount.offset += Double(length)
            set(end, to: amount, settings.cutOut)
        }
        return plan
    }

    /// Augments each picture with its own parameters: color, then translation, then cutout.
    /// - Parameters:
    ///   - images: [N, 3, H, W].
    ///   - parameters: parameters of the pictures.
    /// - Returns: [N, 3, H, W].
    package func callAsFunction(_ images: Tensor, _ parameters: ParameterTable<DiffAugmentParameter>)
        -> Tensor
    {
        var images = images
        if settings.recolor { images = recolored(images, parameters) }
        if settings.translate {
            let count = images.shape[0]
            let same = kept("same", on: images.device) { Tensor.identity(2) }.reshape([1, 2, 2])
            let shift = parameters.block(.shiftX, 2).reshape([count, 2, 1])
            images = warp(images, Tensor.concatenated([same.expanded(to: [count, 2, 2]), -shift], 2))
        }
        if settings.cutOut { images = cutout(images, parameters.block(.left, 4)) }
        return images
    }

    /// Brightness, saturation and contrast in one transformation.
    private func recolored(_ images: Tensor, _ parameters: ParameterTable<DiffAugmentParameter>) -> Tensor {
        let (contrast, saturation) = (parameters[.contrast], parameters[.saturation])
        let single = [images.shape[0], 1, 1]
        let linear = color.linear(gray: contrast, rest: contrast * saturation)
        // Contrast scales around the mean. Saturation does not change the mean, and brightness is added afterwards.
        let kept = (1 - contrast).reshape(single).to(images.dtype)
        let added = parameters[.brightness].reshape(single).to(images.dtype)
        let means = images.mean([1, 2, 3]).reshape(single)
        return color(images, linear: linear, offset: added + means * kept)
    }
}
