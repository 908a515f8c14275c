import ArgumentParser
import Console
import Datasets
import Evaluation
import Files
import Imaging
import Objectives
import Provenance
import Settings
import Torch

/// `facegan data preview`: a contact sheet.
struct DataPreview: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "preview",
        abstract: "Write a contact sheet of training samples.",
        discussion: """
            Converts pictures, evenly spaced over the source, to samples of the protocol, as training does. With --augment, \
            every row shows a sample and random augmentations of it: those of the data, or those of the discriminator \
            (diffaugment, ada), which need libtorch. A sheet with generated pictures gets their mark.

            Examples:
              facegan data preview img_align_celeba.zip --out sheet.png
              facegan data preview celeba.faces --count 100 --out sheet.png
              facegan data preview lfw-deepfunneled.tgz --augment --out augmented.png
              facegan data preview photos/ --augment --rotation 15 --out turned.png
              facegan data preview celeba.faces --augment ada --out ada.png
              facegan data preview builtin:64 --augment diffaugment --out seen.png
            """)

    @Argument(help: "Folder, archive, packed store or built-in faces; see 'facegan data --help'.")
    var source: String

    @Option(help: "PNG file of the contact sheet.")
    var out: String

    @OptionGroup var choice: ProtocolOptions

    @Option(
        parsing: .unconditional, help: ArgumentHelp("Number of pictures. (default: 64, with --augment 8)"))
    var count: Int?

    /// Kind of augmentation.
    enum Changes: String, ExpressibleByArgument, CaseIterable { case data, diffaugment, ada }

    @Option(
        defaultAsFlag: Changes.data, parsing: .next,
        help: "Show rows of the same picture with random augmentations: data, diffaugment or ada.")
    var augment: Changes?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Probability of an operation of ada, or of a change by diffaugment, 0 to 1. (default: 0.6, 1)",
            valueName: "probability"))
    var augmentProbability: Double?

    @OptionGroup(title: "Augmentation of the data") var amounts: AugmentationOptions

    @Option(parsing: .unconditional, help: "Seed of the augmentation.")
    var seed: UInt64 = 0

    func validate() throws {
        try NumberRange.check("--count", count, 1...10_000)
        if let probability = augmentProbability {
            guard (0...1).contains(probability) else {
                throw ValidationError("--augment-probability: expected 0 to 1, got \(probability).")
            }
            guard augment == .ada || augment == .diffaugment else {
                throw ValidationError("--augment-probability requires --augment ada or diffaugment.")
            }
        }
        try choice.validate()
        try amounts.validate()
    }

    func run() throws {
        try OutputPath.check([out], inputs: [source])
        let pictures = try SourceOpener.open(source)
        let data = try choice.resolve(for: pictures)
        let preview = try SourcePreview(
            of: pictures, protocol: data, count: count ?? (augment == nil ? 64 : 8))
        let sheet =
            switch augment {
            case nil: preview.sheet()
            case .data: preview.sheet(augmentation: amounts.augmentation, seed: seed)
            case .diffaugment, .ada: try ViewSheet.compose(preview.pictures, view, seed: seed)
            }
        try AtomicFile.write(Provenance.png(sheet, origin: preview.origin), to: out)
        let output = OutputPath.messages(out)
        for picture in preview.bad {
            output.writeLine(PictureNames.oneLine("not shown: \(picture.name): \(picture.reason)"))
        }
        output.writeLine(
            "Wrote \(out): \(Readable.count(preview.pictures.count, "picture")) of \(pictures.name) under \(data)"
        )
    }

    /// Settings of the discriminator augmentation of --augment.
    private var view: AugmentSettings {
        var settings = AugmentSettings(augment == .ada ? .ada : .diffaugment)
        if let augmentProbability { settings.probability = Scheduled(augmentProbability) }
        (settings.startProbability, settings.maxProbability) = (augmentProbability ?? 0.6, 1)
        return settings
    }
}

/// Strengths of the data augmentations.
struct AugmentationOptions: ParsableArguments {
    @Option(parsing: .unconditional, help: "Probability of mirroring, 0 to 1.")
    var flip = Augmentation.full.flip

    @Option(parsing: .unconditional, help: "Largest fraction of the width that is cropped, 0 to 0.9.")
    var crop = Augmentation.full.crop

    @Option(parsing: .unconditional, help: "Largest rotation in degrees, 0 to 180.")
    var rotation = Augmentation.full.rotationDegrees

    @Option(parsing: .unconditional, help: "Largest relative change of brightness, 0 to 1.")
    var brightness = Augmentation.full.brightness

    @Option(parsing: .unconditional, help: "Largest relative change of contrast, 0 to 1.")
    var contrast = Augmentation.full.contrast

    @Option(parsing: .unconditional, help: "Largest relative change of saturation, 0 to 1.")
    var saturation = Augmentation.full.saturation

    @Option(parsing: .unconditional, help: "Largest rotation of the hue in degrees, 0 to 180.")
    var hue = Augmentation.full.hueDegrees

    var augmentation: Augmentation {
        Augmentation(
            flip: flip, crop: crop, rotationDegrees: rotation, brightness: brightness, contrast: contrast,
            saturation: saturation, hueDegrees: hue)
    }

    func validate() throws {
        let amounts: [(String, Float, ClosedRange<Float>)] = [
            ("flip", flip, 0...1), ("crop", crop, 0...0.9), ("rotation", rotation, 0...180),
            ("brightness", brightness, 0...1), ("contrast", contrast, 0...1),
            ("saturation", saturation, 0...1),
            ("hue", hue, 0...180),
        ]
        for (name, amount, range) in amounts where !range.contains(amount) {
            throw ValidationError(
                "--\(name): expected a number in \(range.lowerBound)...\(range.upperBound), got \(amount).")
        }
    }
}

/// Contact sheet of discriminator augmentations.
enum ViewSheet {
    /// Rows of pictures, each followed by augmentations of it.
    /// - Parameter pictures: square, RGB.
    static func compose(_ pictures: [Picture], _ settings: AugmentSettings, columns: Int = 8, seed: UInt64)
        throws
        -> Picture
    {
        try DeviceOptions.prepareCPU()
        let view = DiscriminatorAugmentation(settings, device: .cpu)
        let random = RandomSource(seed: seed)
        let cells = pictures.flatMap { picture in
            let (side, count) = (picture.width, columns - 1)
            let image = Tensor.pictures(picture.pixels, count: 1, side: side, on: .cpu)
            let seen = view(image.expanded(to: [count, 3, side, side]), random: random).pixels().bytes()
            let length = seen.count / count
            return [picture]
                + (0..<count).map { number in
                    Picture(
                        width: side, height: side, channels: 3,
                        pixels: Array(seen[number * length..<(number + 1) * length]))
                }
        }
        return Grid.compose(cells, columns: columns)
    }
}
