import Checkpoints
import Datasets
import Models
import Torch

/// An evaluation by names and numbers: what to evaluate, with which reference and metrics.
public struct EvaluationRequest: Sendable {
    /// Progress of an evaluation.
    public enum Stage: Sendable, Equatable {
        /// Packing of the pictures of a source: packed and total pictures.
        case packing(name: String, done: Int, total: Int)
        /// Evaluation.
        case evaluating(Evaluator.Stage)
    }

    /// Scores and, on request, the report.
    public struct Result: Sendable {
        /// Scores and what they depend on.
        public let evaluation: Evaluation
        /// HTML page, UTF-8.
        public let html: [UInt8]?
    }

    /// A run directory, a model file, a folder or archive of pictures, a packed store, or `builtin:N`.
    public var source: String
    /// Source of the reference pictures; nil for metrics without a reference.
    public var reference: String?
    /// Metrics such as `fd-face`; nil for all metrics whose weights are available.
    public var metrics: [String]?
    /// Compares picture with picture, in the order of their names, instead.
    public var isPaired = false
    /// Number of faces of a model; nil for `PictureSets.modelCount`. Limit of the pictures of another source; nil for all.
    public var count: Int?
    /// Limit of the reference pictures; nil for all.
    public var referenceCount: Int?
    /// Part of both sets; nil for all. With a reference, evaluated pictures without official splits are used completely.
    public var part: DataSplit?
    /// Data protocol of both sides; nil for the protocol of the model or store.
    public var data: Datasets.DataProtocol?
    /// A face network in place of the built-in one: a run directory, or a model file.
    public var face: String?
    /// First seed of the faces of a model.
    public var firstSeed: UInt64 = 0
    /// State of a run directory.
    public var state = ModelState.last
    /// Weights of a model.
    public var weights = ModelWeights.average

    /// - Parameters:
    ///   - source: what to evaluate.
    ///   - reference: source of the reference pictures; nil for metrics without a reference.
    public init(_ source: String, against reference: String? = nil) {
        (self.source, self.reference) = (source, reference)
    }

    /// Runs the evaluation on the calling thread.
    /// - Parameters:
    ///   - device: device of the networks.
    ///   - wantsReport: also renders the HTML page.
    ///   - progress: called between batches and metrics.
    ///   - isCancelled: called between batches.
    /// - Throws: `EvaluationError`, `CheckpointError`, `DataError` and `FileError` for what cannot be opened or compared;
    ///   `CancellationError`.
    public func run(
        device: Device = .cpu, wantsReport: Bool = false, progress: (Stage) -> Void = { _ in },
        isCancelled: () -> Bool = { false }
    ) throws -> Result {
        let evaluated: any PictureSet
        let other: (any PictureSet)?
        let evaluation: Evaluation
        if isPaired {
            guard reference != nil else {
                throw EvaluationError("--pairs: name the other pictures with --against.")
            }
            (evaluated, other) = try sides(device, progress, isCancelled)
            let measures = try PairMeasure.available(side: evaluated.side, device: device)
            evaluation = try PairEvaluator(measures, device: device)(
                evaluated, against: other!, progress: { progress(.evaluating($0)) }, isCancelled: isCancelled)
        } else {
            let asked = try requestedMetrics()
            let networks = try Set(asked.compactMap(\.network)).sorted().map {
                try FeatureExtractors.load($0, face: face, device: device)
            }
            (evaluated, other) = try sides(device, progress, isCancelled)
            let usable = other == nil ? asked.filter { !$0.needsReference } : asked
            guard !usable.isEmpty else {
                throw EvaluationError(
                    "\(asked.map { "\($0)" }.joined(separator: ", ")): these metrics require reference pictures; name them"
                        + " with --against.")
            }
            let (defined, omitted) = definedMetrics(usable, evaluated, other)
            let evaluator = Evaluator(defined, networks: networks, device: device)
            var found = try evaluator(
                evaluated, against: other, progress: { progress(.evaluating($0)) }, isCancelled: isCancelled)
            found.warnings += omitted
            evaluation = found
        }
        guard wantsReport else { return Result(evaluation: evaluation, html: nil) }
        let report = EvaluationReport(evaluation, evaluated: evaluated, reference: other)
        return Result(evaluation: evaluation, html: try report.html())
    }

    /// Metrics to compute, and warnings about omitted ones. Only metrics that the caller did not name are omitted, and not all of
    /// them: the evaluator states why the others are undefined.
    private func definedMetrics(
        _ usable: [Metric], _ evaluated: any PictureSet, _ other: (any PictureSet)?
    ) -> ([Metric], [String]) {
        let obstacles = usable.map {
            $0.obstacle(evaluated: evaluated.count, reference: other?.count, side: evaluated.side)
        }
        let defined = zip(usable, obstacles).filter { $0.1 == nil }.map(\.0)
        guard metrics == nil, !defined.isEmpty else { return (usable, []) }
        return (defined, obstacles.compactMap(\.self).map { "omitted: \($0)" })
    }

    private func requestedMetrics() throws -> [Metric] {
        let names =
            metrics
            ?? (FeatureExtractors.isHere("inception") ? ["fid", "kid"] : []) + [
                "fd-face", "kd-face", "pr-face", "dc-face", "swd", "diversity-face", "nearest-face",
                "attributes",
            ]
        return try names.map { try Metric.parse($0, networks: FeatureExtractors.names) }
    }

    /// Both sets of pictures. Pictures without a protocol of their own follow the protocol of the other side.
    private func sides(
        _ device: Device, _ progress: (Stage) -> Void, _ isCancelled: () -> Bool
    ) throws -> (any PictureSet, (any PictureSet)?) {
        var options = PictureSets.Options()
        options.device = device
        (options.state, options.weights) = (state, weights)
        (options.firstSeed, options.data) = (firstSeed, data)
        func open(_ name: String, _ options: PictureSets.Options) throws -> any PictureSet {
            try PictureSets.open(
                name, options, progress: { progress(.packing(name: name, done: $0, total: $1)) },
                isCancelled: isCancelled)
        }
        let isModel = PictureSets.isModel(source)
        var ownOptions = options
        ownOptions.count = count
        if !isModel {
            // A folder of generated faces has no parts.
            if reference == nil { ownOptions.part = part } else { ownOptions.officialPart = part }
        }
        let model = isModel ? try open(source, ownOptions) : nil
        var otherOptions = options
        (otherOptions.count, otherOptions.part) = (referenceCount, part)
        otherOptions.suggested = model?.data
        let other = try reference.map { try open($0, otherOptions) }
        ownOptions.suggested = other?.data
        return (try model ?? open(source, ownOptions), other)
    }
}
