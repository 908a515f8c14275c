import ArgumentParser
import Console
import Datasets
import Files
import Imaging

/// `facegan data preview`: a contact sheet.
struct DataPreview: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "preview",
        abstract: "Write a contact sheet of what training will see.",
        discussion: """
            The pictures are spread evenly over the source and made into samples by the protocol, exactly as for \
            training. With --augment every row shows one sample and then random changes of it.

            Examples:
              facegan data preview img_align_celeba.zip --out sheet.png
              facegan data preview celeba.faces --count 100 --out sheet.png
              facegan data preview lfw-deepfunneled.tgz --augment --out augmented.png
              facegan data preview photos/ --augment --rotation 15 --out turned.png
            """)

    @Argument(help: "Folder, archive, packed store or built-in faces; see 'facegan data --help'.")
    var source: String

    @Option(help: "The PNG file to write.")
    var out: String

    @OptionGroup var choice: ProtocolOptions

    @Option(help: ArgumentHelp("How many pictures. (default: 64, with --augment 8)"))
    var count: Int?

    @Flag(help: "Show rows of the same picture under random augmentation.")
    var augment = false

    @OptionGroup(title: "Augmentation") var amounts: AugmentationOptions

    @Option(help: "Seed of the augmentation.")
    var seed: UInt64 = 0

    func validate() throws {
        if let count, !(1...10_000).contains(count) {
            throw ValidationError("--count: expected 1 to 10000, got \(count).")
        }
        try choice.validate()
        try amounts.validate()
    }

    func run() throws {
        let pictures = try SourceOpener.open(source)
        let data = try choice.resolve(for: pictures)
        let preview = try SourcePreview(of: pictures, protocol: data, count: count ?? (augment ? 8 : 64))
        let sheet = augment ? preview.sheet(augmentation: amounts.augmentation, seed: seed) : preview.sheet()
        try AtomicFile.write(PictureEncoder.png(sheet), to: out)
        let output = ConsoleOutput.standardOutput
        for picture in preview.bad { output.writeLine("not shown: \(picture.name): \(picture.reason)") }
        output.writeLine(
            "Wrote \(out): \(Readable.count(preview.pictures.count, "picture")) of \(pictures.name) under \(data)"
        )
    }
}

/// How strong each kind of augmentation is.
struct AugmentationOptions: ParsableArguments {
    @Option(help: "Probability of mirroring, 0 to 1.")
    var flip = Augmentation.full.flip

    @Option(help: "Largest part of the width that is cut away, 0 to 0.9.")
    var crop = Augmentation.full.crop

    @Option(help: "Largest turn in degrees, 0 to 180.")
    var rotation = Augmentation.full.rotationDegrees

    @Option(help: "Brightness is multiplied by 1 ± this, 0 to 1.")
    var brightness = Augmentation.full.brightness

    @Option(help: "Contrast is multiplied by 1 ± this, 0 to 1.")
    var contrast = Augmentation.full.contrast

    @Option(help: "Saturation is multiplied by 1 ± this, 0 to 1.")
    var saturation = Augmentation.full.saturation

    @Option(help: "Largest turn of the hue in degrees, 0 to 180.")
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
