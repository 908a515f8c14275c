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

/// `facegan evaluate`: scores of a model or of pictures.
struct EvaluateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate",
        abstract: "Compute scores of a model, or of any pictures, with confidence intervals.",
        discussion: """
            Every score has a 95 % interval, the number of pictures, the feature network and the data protocol. Sets of \
            different protocols are not compared. A run is compared with its training pictures unless --against names \
            others. Statistics of photographs are cached.

            Metrics: fd-face, kd-face (Fréchet and kernel distance on the bundled face network), pr-face (precision, \
            recall), dc-face (density, coverage), swd, diversity-face, nearest-face, attributes; ppl-face (path length of a \
            model); accuracy (agreement of the face network with the labels of photographs, or with the attributes that a \
            conditional model was given); with downloaded weights (see `facegan weights list`) also fid, kid, is, ppl.

            Networks from photographs to photographs (dfl, superres, convert) are evaluated on photographs that were not \
            used for training: errors of restored pictures, and rates of changed attributes.

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

    @Option(help: "Source of the reference pictures. (default: the training pictures of a run)")
    var against: String?

    @Option(parsing: .unconditional, help: ArgumentHelp("Number of generated faces. (default: 10000)"))
    var count: Int?

    @Option(parsing: .unconditional, help: ArgumentHelp("Limit of the reference pictures. (default: all)"))
    var referenceCount: Int?

    @Option(help: "Part of the photographs: train, validation or test.")
    var part: DataSplit?

    @Option(
        help: ArgumentHelp(
            "Names of metrics, separated by commas. (default: all whose weights are available)"))
    var metrics: String?

    @Option(name: .customLong("protocol"), help: "Data protocol of both sides, such as celeba64-178.")
    var dataProtocol: String?

    @Option(help: "A run or model of the recipe attributes, in place of the bundled face network.")
    var face: String?

    @Option(parsing: .unconditional, help: "First seed of the generated faces.")
    var seed: UInt64 = 0

    @Flag(
        help: "Compare pairs of pictures, in the order of their names: PSNR, SSIM, MS-SSIM, LPIPS, identity.")
    var pairs = false

    @Option(
        help: ArgumentHelp(
            "Separate scores for photographs with and without an attribute.", valueName: "attribute"))
    var by: String?

    @Flag(help: "Use the state of a run with the best score, in place of the newest.")
    var best = false

    @Flag(help: "Use the weights of the last training step, in place of their moving average.")
    var raw = false

    @Option(help: "Write an HTML page with pictures, scores and attributes.")
    var html: String?

    @Option(help: "Write the scores as JSON.")
    var json: String?

    @OptionGroup var place: DeviceOptions

    func validate() throws {
        try place.validate()
        try NumberRange.check("--count", count, NumberRange.pictures)
        try NumberRange.check("--reference-count", referenceCount, NumberRange.pictures)
        let most = max(count ?? PictureSets.modelCount, referenceCount ?? PictureSets.modelCount)
        guard !seed.addingReportingOverflow(UInt64(most)).overflow else {
            throw ValidationError("--seed: the seeds from \(seed) on exceed \(UInt64.max).")
        }
    }

    func run() async throws {
        Interrupt.install()
        let device = try place.prepare()
        try OutputPath.check([json, html], inputs: [source, against, face])
        if !pairs, metrics == nil, try evaluatedFaceToFace(device) { return }
        if !pairs, by != nil {
            throw CommandError("--by: requires a model that changes attributes")
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
        EvaluationPrinter(output: OutputPath.messages(json, html)).print(result.evaluation)
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
        OutputPath.messages(json, html).writeLine("Wrote \(path)")
    }
}
