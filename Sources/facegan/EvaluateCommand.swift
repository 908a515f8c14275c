import ArgumentParser
import Checkpoints
import Console
import Datasets
import Evaluation
import Files
import Foundation
import Models
import Runs
import Synthesis
import Torch

/// `facegan evaluate`: numbers for pictures, each with what it depends on.
struct EvaluateCommand: AsyncParsableCommand {
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
    var part: DataSplit?

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

    func validate() throws {
        try place.validate()
        for (name, value) in [("--count", count), ("--reference-count", referenceCount)] {
            if let value, value < 8 { throw ValidationError("\(name): expected 8 or more, got \(value).") }
        }
    }

    func run() async throws {
        Interrupt.install()
        let device = try place.prepare()
        if !pairs, metrics == nil, try evaluatedFaceToFace(device) { return }
        if !pairs, by != nil {
            throw CommandError("--by: only models that change attributes have scores for each group")
        }
        let service = FaceService(device: device, threads: place.threads)
        let (request, wantsReport) = (try request(), html != nil)
        let progress = EvaluationProgress()
        let result: EvaluationRequest.Result
        do {
            defer { progress.finish() }
            result = try await cancelledByInterrupt {
                try await service.evaluate(request, wantsReport: wantsReport) { progress.show($0) }
            }
        } catch is CancellationError {
            ConsoleOutput.standardError.writeLine("Stopped; nothing was written.")
            throw ExitCode(Interrupt.exitStatus)
        }
        EvaluationPrinter(output: .standardOutput).print(result.evaluation)
        if let json { try write(try result.evaluation.json(), to: json) }
        if let html, let page = result.html { try write(page, to: html) }
    }

    private func request() throws -> EvaluationRequest {
        // A run is compared with the pictures of its training.
        let isRun = PictureSets.isModel(source) && RunDirectory.holdsRun(source)
        let record = isRun ? try RunRecord(folder: source) : nil
        var request = EvaluationRequest(source, against: against ?? record?.data)
        request.isPaired = pairs
        if pairs, against == nil { request.reference = nil }
        request.metrics = metrics?.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
        (request.count, request.referenceCount, request.part) = (count, referenceCount, part)
        request.data = try dataProtocol.map(Datasets.DataProtocol.parse)
        (request.face, request.firstSeed) = (face, seed)
        (request.state, request.weights) = (best ? .best : .last, raw ? .raw : .average)
        return request
    }

    private func write(_ bytes: [UInt8], to path: String) throws {
        try AtomicFile.write(bytes, to: path)
        ConsoleOutput.standardOutput.writeLine("Wrote \(path)")
    }
}
