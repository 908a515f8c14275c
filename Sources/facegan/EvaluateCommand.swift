import ArgumentParser
import Checkpoints
import Console
import Datasets
import Evaluation
import Files
import Foundation
import Models
import Runs
import Torch

/// `facegan evaluate`: numbers for pictures, each with what it depends on.
struct EvaluateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate",
        abstract: "Judge a model's faces, or any pictures, against photographs.",
        discussion: """
            Every number comes with its 95 % interval, the number of pictures, the network whose features it is about, and \
            the data protocol; sets of different protocols are not compared. A run is compared with the pictures it learnt \
            from unless --against names others. Statistics of photographs are kept for the next time.

            Metrics: fd-face, kd-face (Fréchet and kernel distance on a face network that comes with the program), pr-face \
            (precision, recall), dc-face (density, coverage), swd, diversity-face, nearest-face, attributes; ppl-face \
            (path length of a model); accuracy (how often the face network finds the labels of photographs, or what a conditional \
            model was asked for); and with weights of others (see `facegan weights list`) fid, kid, is, ppl.

            Networks from photographs to photographs (dfl, superres, convert) are judged by people whom they have not seen: \
            how near restored pictures come to the true ones, and how often an attribute turns.

            Examples:
              facegan evaluate runs/celeba
              facegan evaluate runs/superres
              facegan evaluate runs/convert --by Male
              facegan evaluate runs/celeba --part validation --html report.html
              facegan evaluate faces/ --against celeba.faces --json scores.json
              facegan evaluate restored/ --against originals/ --pairs
              facegan evaluate img_align_celeba.zip --part validation --metrics accuracy
              facegan evaluate runs/conditional --metrics accuracy
              facegan evaluate photos.zip --against builtin:5000 --protocol square64
            """)

    @Argument(help: "A run, a model, a folder or archive of pictures, a packed store, or builtin:N.")
    var source: String

    @Option(help: "What the pictures should be like. (default: what a run learnt from)")
    var against: String?

    @Option(help: ArgumentHelp("Faces that a model draws. (default: 10000)"))
    var count: Int?

    @Option(help: ArgumentHelp("Pictures of the reference at most. (default: all)"))
    var referenceCount: Int?

    @Option(help: "Part of the photographs: train, validation or test.")
    var part: Part?

    @Option(help: ArgumentHelp("Names with commas between them. (default: all whose weights are here)"))
    var metrics: String?

    @Option(name: .customLong("protocol"), help: "Crop and size of both sides, such as celeba64-178.")
    var dataProtocol: String?

    @Option(help: "A run or file of the recipe attributes, in place of the program's own face network.")
    var face: String?

    @Option(help: "First seed of a model's faces.")
    var seed: UInt64 = 0

    @Flag(help: "Compare picture with picture, in the order of names: PSNR, SSIM, MS-SSIM, LPIPS, identity.")
    var pairs = false

    @Option(help: ArgumentHelp("Divide by an attribute of the photographs.", valueName: "attribute"))
    var by: String?

    @Flag(help: "The state with the best score instead of a run's newest one.")
    var best = false

    @Flag(help: "The weights as trained, not their moving average.")
    var raw = false

    @Option(help: "Write a page with pictures, table and attributes.")
    var html: String?

    @Option(help: "Write everything as JSON.")
    var json: String?

    @OptionGroup var place: DeviceOptions

    /// A part of a data set as its makers divided it.
    enum Part: String, ExpressibleByArgument, CaseIterable {
        case train, validation, test

        var split: Labels.Split { self == .train ? .train : self == .validation ? .validation : .test }
    }

    func validate() throws {
        try place.validate()
        for (name, value) in [("--count", count), ("--reference-count", referenceCount)] {
            if let value, value < 8 { throw ValidationError("\(name): expected 8 or more, got \(value).") }
        }
    }

    func run() throws {
        Interrupt.install()
        let device = try place.prepare()
        if pairs { return try comparePairs(device) }
        if metrics == nil, try evaluatedFaceToFace(device) { return }
        if by != nil { throw CommandError("--by: divides only what a model that converts attributes does") }
        let asked = try askedMetrics()
        let networks = try Set(asked.compactMap(\.network)).sorted().map {
            try FeatureExtractors.load($0, face: face, device: device)
        }
        let (judged, reference) = try sides(device)
        let evaluator = Evaluator(
            reference == nil ? asked.filter { !$0.needsReference } : asked, networks: networks, device: device
        )
        guard !evaluator.metrics.isEmpty else {
            throw CommandError(
                "\(asked.map { "\($0)" }.joined(separator: ", ")): these compare with other pictures; name them with --against."
            )
        }
        let evaluation = try watched { progress in
            try evaluator(
                judged, against: reference, progress: progress, isCancelled: { Interrupt.isRequested })
        }
        try report(evaluation, judged, reference)
    }

    private func comparePairs(_ device: Device) throws {
        guard against != nil else { throw CommandError("--pairs: name the other pictures with --against.") }
        let (judged, reference) = try sides(device)
        let measures = try PairMeasure.available(side: judged.side, device: device)
        let evaluation = try watched { progress in
            try PairEvaluator(measures, device: device)(
                judged, against: reference!, progress: progress, isCancelled: { Interrupt.isRequested })
        }
        try report(evaluation, judged, reference)
    }

    /// Runs an evaluation with its progress on the terminal.
    private func watched(_ body: ((Evaluator.Stage) -> Void) throws -> Evaluation) throws -> Evaluation {
        let progress = EvaluationProgress()
        defer { progress.finish() }
        do { return try body(progress.show) } catch is CancellationError {
            progress.finish()
            ConsoleOutput.standardError.writeLine("Stopped; nothing was written.")
            throw ExitCode(Interrupt.exitStatus)
        }
    }

    private func report(
        _ evaluation: Evaluation, _ judged: any PictureSet, _ reference: (any PictureSet)?
    ) throws {
        EvaluationPrinter(output: .standardOutput).print(evaluation)
        if let json {
            try AtomicFile.write(try evaluation.json(), to: json)
            ConsoleOutput.standardOutput.writeLine("Wrote \(json)")
        }
        if let html {
            let report = EvaluationReport(evaluation, judged: judged, reference: reference)
            try AtomicFile.write(try report.html(), to: html)
            ConsoleOutput.standardOutput.writeLine("Wrote \(html)")
        }
    }

    private func askedMetrics() throws -> [Metric] {
        let names =
            metrics?.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
            ?? (FeatureExtractors.isHere("inception") ? ["fid", "kid"] : []) + [
                "fd-face", "kd-face", "pr-face", "dc-face", "swd", "diversity-face", "nearest-face",
                "attributes",
            ]
        return try names.map { try Metric.parse($0, networks: FeatureExtractors.names) }
    }

    /// Both sets of pictures; the second is nil where there is nothing to compare with.
    private func sides(_ device: Device) throws -> (any PictureSet, (any PictureSet)?) {
        var options = PictureSets.Options()
        options.device = device
        (options.state, options.weights) = (best ? .best : .last, raw ? .raw : .average)
        options.firstSeed = seed
        options.data = try dataProtocol.map(Datasets.DataProtocol.parse)
        let isModel = PictureSets.isModel(source)
        let record = isModel && RunDirectory.holdsRun(source) ? try RunRecord(folder: source) : nil
        let other = against ?? record?.data
        var judgedOptions = options
        judgedOptions.count = count
        if against == nil, !isModel { judgedOptions.part = part?.split }
        var judged = isModel ? try open(source, judgedOptions) : nil
        var referenceOptions = options
        (referenceOptions.count, referenceOptions.part) = (referenceCount, part?.split)
        referenceOptions.suggested = judged?.data
        let reference = try other.map { try open($0, referenceOptions) }
        judgedOptions.suggested = reference?.data
        if judged == nil { judged = try open(source, judgedOptions) }
        return (judged!, reference)
    }

    private func open(_ name: String, _ options: PictureSets.Options) throws -> any PictureSet {
        let line = ProgressLine("packing \(name)", total: nil, unit: .things("pictures"))
        defer { line.finish() }
        do {
            return try PictureSets.open(
                name, options, progress: { line.update($0, total: $1) },
                isCancelled: { Interrupt.isRequested })
        } catch is CancellationError {
            throw ExitCode(Interrupt.exitStatus)
        }
    }
}
