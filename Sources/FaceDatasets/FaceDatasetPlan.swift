import Checkpoints
import Datasets
import Models
import Synthesis
import Torch

/// Everything that determines the contents of a data set of generated faces.
///
///     var plan = FaceDatasetPlan(model: "celeba64", count: 50_000, folder: "faces")
///     plan.balance = ["Male", "Young"]
///     let summary = try await FaceDatasetBuilder(plan).build()
public struct FaceDatasetPlan: Sendable {
    /// Layout of the pictures on disk.
    public enum Format: String, Sendable, CaseIterable {
        /// Folders of PNG files with `metadata.jsonl`, as Hugging Face's `datasets` reads them.
        case imageFolder = "imagefolder"
        /// Tar shards with a PNG and a JSON file for each picture.
        case webDataset = "webdataset"
        /// Zip archive with `dataset.json`, as NVlabs' StyleGAN tools read it.
        case styleGAN = "stylegan"
        /// Files and tables in the layout of CelebA.
        case celebA = "celeba"
    }

    /// A run directory, a model file, or the name of an included model.
    public var model: String
    /// Number of pictures; a multiple of `picturesPerIdentity`.
    public var count: Int
    /// Folder of the data set: new, empty, or one of an interrupted call with the same plan.
    public var folder: String
    /// Layouts of the pictures; one or more.
    public var formats: [Format] = [.imageFolder]
    /// Seed of the first candidate. Candidates have consecutive seeds.
    public var firstSeed: UInt64 = 0
    /// Number of pictures of one person, 1...64. More than 1 requires a style generator.
    public var picturesPerIdentity = 1
    /// Number of rows of w+ that the pictures of one person share; nil for 60 % of the rows.
    public var identityRows: Int?
    /// Percentages of the parts of the data set.
    public var splits = SplitShares.standard
    /// Attributes of the face network whose combinations have equal numbers of pictures; at most 8.
    public var balance: [String] = []
    /// Attributes that are requested for all faces of a conditional model.
    public var requested: FaceService.Attributes = []
    /// Truncation and noise of a style generator.
    public var options = SynthesisOptions()
    /// State of a run directory.
    public var state = ModelState.last
    /// Weights of the model.
    public var weights = ModelWeights.average
    /// Precision of the generator.
    public var precision = Precision.auto
    /// A face network in place of the bundled one: a run directory, or a model file.
    public var face: String?
    /// Source of the photographs with which the model was trained. Near copies of them are removed, and scores are computed.
    public var reference: String?
    /// Data protocol of the photographs; nil for that of the model.
    public var referenceProtocol: Datasets.DataProtocol?
    /// Fraction of the photographs whose nearest neighbor is nearer than the limit for copies, 0...0.5.
    public var copyQuantile = 0.001
    /// Whether pictures that are equal or nearly equal to an earlier one are removed.
    public var removesDuplicates = true
    /// Whether pictures in which the detector finds no face are removed. Requires the weights of the detector.
    public var requiresFace = false
    /// Limit of the examined candidates; nil for 50 times `count`, and 10,000 or more.
    public var candidateLimit: Int?
    /// Latent spaces of the written latents. `.w` is written as w+ where the rows of a picture differ.
    public var latentSpaces: [LatentPoint.Space] = [.z, .w]
    /// Name of the data set; nil for the name of the model.
    public var name: String?
    /// License of the data set, for its metadata.
    public var license = FaceDatasetPlan.standardLicense
    /// Date of publication for the metadata, such as `2026-11-28`; nil for none.
    public var date: String?
    /// Upper limit of the faces that are computed at once. Does not change the data set.
    public var batchSize = GeneratorRunner.batchSize

    /// License that is stated unless another is given: that of the most restrictive usual training data.
    public static let standardLicense = "research, non-commercial"
    /// Largest number of pictures.
    public static let countLimit = 10_000_000
    /// Largest number of attributes that are balanced.
    public static let balanceLimit = 8

    /// - Parameters:
    ///   - model: a run directory, a model file, or the name of an included model.
    ///   - count: number of pictures.
    ///   - folder: folder of the data set.
    public init(model: String, count: Int, folder: String) {
        (self.model, self.count, self.folder) = (model, count, folder)
    }

    /// Limit of the examined candidates.
    var allowedCandidates: Int { candidateLimit ?? max(10_000, 50 * count) }

    /// Checks what does not depend on files.
    /// - Throws: `FaceDatasetError` that names the setting, its range and its value.
    public func validate() throws {
        func require(_ holds: Bool, _ message: @autoclosure () -> String) throws {
            guard holds else { throw FaceDatasetError(message()) }
        }
        try require(
            (1...Self.countLimit).contains(count),
            "count: expected 1 to \(Self.countLimit) pictures, got \(count)")
        try require(
            (1...64).contains(picturesPerIdentity),
            "pictures per identity: expected 1 to 64, got \(picturesPerIdentity)")
        try require(
            count.isMultiple(of: picturesPerIdentity),
            "count: expected a multiple of \(picturesPerIdentity) pictures per identity, got \(count); use "
                + "\(count + picturesPerIdentity - count % picturesPerIdentity)")
        try require(
            identityRows == nil || picturesPerIdentity > 1,
            "identity rows: they require 2 or more pictures per identity")
        try require(!formats.isEmpty, "formats: expected one or more")
        try require(
            Set(formats).count == formats.count && Set(latentSpaces).count == latentSpaces.count,
            "formats, latents: each can be given once")
        try require(
            balance.count <= Self.balanceLimit && Set(balance).count == balance.count,
            "balance: expected up to \(Self.balanceLimit) different attributes, got "
                + balance.joined(separator: ","))
        let cells = 1 << balance.count
        try require(
            count / picturesPerIdentity >= cells,
            "balance: \(balance.count) attributes have \(cells) combinations, more than the "
                + "\(count / picturesPerIdentity) identities; raise the count, or balance fewer attributes")
        try require(
            copyQuantile.isFinite && (0...0.5).contains(copyQuantile),
            "copy quantile: expected 0 to 0.5, got \(copyQuantile)")
        try require(
            allowedCandidates >= count, "candidates: expected \(count) or more, got \(allowedCandidates)")
        try require(
            !firstSeed.addingReportingOverflow(UInt64(allowedCandidates)).overflow,
            "seed: \(firstSeed) leaves fewer than \(allowedCandidates) seeds")
        try require(!latentSpaces.contains(.wPlus), "latents: expected z and w")
        for text in [name, license, date].compactMap(\.self) {
            try require(
                !text.isEmpty && text.utf8.count <= 200 && text.unicodeScalars.allSatisfy { $0.value >= 32 },
                "name, license, date: expected 1 to 200 printable characters, got \"\(text)\"")
        }
        if let date {
            try require(
                date.wholeMatch(of: /[0-9]{4}-[0-9]{2}-[0-9]{2}/) != nil,
                "date: expected YEAR-MONTH-DAY, such as 2026-11-28, got \(date)")
        }
    }
}

/// Percentages of the training, validation and test part.
public struct SplitShares: Sendable, Equatable, CustomStringConvertible {
    /// Percentages, with the sum 100.
    public let train: Int, validation: Int, test: Int

    /// 80 % training, 10 % validation, 10 % test.
    public static let standard = SplitShares(train: 80, validation: 10, test: 10)

    private init(train: Int, validation: Int, test: Int) {
        (self.train, self.validation, self.test) = (train, validation, test)
    }

    /// Reads `TRAIN/VALIDATION/TEST`, such as `80/10/10`. Missing numbers are 0.
    /// - Throws: `FaceDatasetError` unless there are 1 to 3 numbers from 0 to 100 with the sum 100.
    public init(_ text: String) throws {
        let numbers = text.split(separator: "/", omittingEmptySubsequences: false).map { Int($0) }
        let values = numbers.compactMap(\.self)
        guard (1...3).contains(numbers.count), values.count == numbers.count,
            values.allSatisfy({ (0...100).contains($0) }), values.reduce(0, +) == 100
        else {
            throw FaceDatasetError(
                "splits: expected percentages of train/validation/test with the sum 100, such as 80/10/10, got "
                    + "\"\(text)\"")
        }
        self.init(
            train: values[0], validation: values.count > 1 ? values[1] : 0,
            test: values.count > 2 ? values[2] : 0)
    }

    /// Percentage of a part.
    public subscript(split: DataSplit) -> Int {
        switch split {
        case .train: train
        case .validation: validation
        case .test: test
        }
    }

    /// `80/10/10`.
    public var description: String { "\(train)/\(validation)/\(test)" }
}

/// Error for a data set that cannot be built. The description names what, where and a remedy.
public struct FaceDatasetError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Message for the user.
    public let description: String

    /// - Parameter description: message for the user.
    public init(_ description: String) { self.description = description }
}
