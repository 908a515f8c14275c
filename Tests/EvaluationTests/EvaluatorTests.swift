import Datasets
import Evaluation
import Foundation
import Metrics
import Provenance
import TestSupport
import Testing
import Torch

/// Drawn faces of 16 x 16 pixels, evaluated by means of their corners.
@Suite struct EvaluatorTests {
    static func store(_ place: TemporaryFolder, _ specification: String, _ data: String = "faces16") throws
        -> FaceStore
    {
        let path = place.file(
            "\(specification.filter(\.isLetter))-\(abs(specification.hashValue))-\(data).faces")
        _ = try StorePreparation.prepare(
            source: SourceOpener.open(specification), protocol: .parse(data), to: path)
        return try FaceStore(path: path)
    }

    /// 12 features: the mean colors of a picture's quarters.
    static func quarters(onBatch: @escaping (Int) -> Void = { _ in }) -> FeatureExtractor {
        FeatureExtractor(
            name: "face", digest: "0123456789abcdef", featureCount: 12, answers: ["Bright", "Red"]
        ) {
            images in
            onBatch(images.shape[0])
            let pooled = images.averagePool2d(images.shape[2] / 2, stride: images.shape[2] / 2).flattened(
                from: 1)
            let colors = images.mean([2, 3])
            return (pooled, colors.narrow(1, start: 0, length: 2))
        }
    }

    static let metrics = [
        "fd-face", "kd-face", "pr-face", "dc-face", "swd", "diversity-face", "nearest-face", "attributes",
    ]
    .map { try! Metric.parse($0, networks: ["face"]) }

    @Test func equalSetsAreAtZero() throws {
        let place = try TemporaryFolder()
        let faces = StorePictures(try Self.store(place, "builtin:300"), title: "faces")
        let found = try Evaluator(Self.metrics, networks: [Self.quarters()], cache: nil)(
            faces, against: faces)
        func value(_ name: String) throws -> Double {
            try #require(found.scores.first { $0.name == name }).value
        }
        #expect(abs(try value("fd-face")) < 1e-6)
        #expect(try value("precision-face") == 1 && value("recall-face") == 1)
        #expect(try value("swd") == 0)
        #expect(found.warnings == ["both sides have the same pictures"])
        #expect(found.neighbors.count == 24 && found.neighbors.allSatisfy { $0.evaluated == $0.reference })
        #expect(found.attributes.map(\.name) == ["Bright", "Red"])
        #expect(found.scores.allSatisfy { $0.protocolHash == faces.data.hash && $0.evaluatedCount == 300 })
    }

    @Test func furtherFacesScoreWorse() throws {
        let place = try TemporaryFolder()
        let reference = StorePictures(try Self.store(place, "builtin:300@1"), title: "reference")
        let others = StorePictures(try Self.store(place, "builtin:300@2"), title: "others")
        let dark = ChangedPictures(base: others, title: "dark") { $0.map { $0 / 4 } }
        let evaluator = Evaluator(Self.metrics, networks: [Self.quarters()], cache: nil)
        let near = try evaluator(others, against: reference)
        let far = try evaluator(dark, against: reference)
        for (a, b) in zip(near.scores, far.scores) {
            #expect(a.name == b.name)
            if let isLowerBetter = a.isLowerBetter, a.name != "copied-face" {
                #expect(
                    isLowerBetter ? a.value < b.value : a.value > b.value, "\(a.name): \(a.value), \(b.value)"
                )
            }
        }
        let distance = try #require(near.scores.first { $0.name == "fd-face" })
        #expect(try #require(distance.low) < distance.value && distance.value < #require(distance.high))
    }

    /// Answers that are the labels are right; their opposites are wrong.
    @Test(arguments: [(1.0, 1.0), (-1.0, 0.0)])
    func accuracyComparesWithLabels(sign: Double, share: Double) throws {
        let place = try TemporaryFolder()
        let faces = StorePictures(try Self.store(place, "builtin:50"), title: "faces")
        let known = try #require(faces.attributes)
        let smiling = try #require(known.names.firstIndex(of: "Smiling"))
        let labels = (0..<50).map { Float(known.values[$0 * known.names.count + smiling]) }
        var start = 0
        let oracle = FeatureExtractor(
            name: "face", digest: "", featureCount: 1, answers: ["Smiling", "Unknown"]
        ) { images in
            let count = images.shape[0]
            defer { start += count }
            let own = Tensor(Array(labels[start..<(start + count)]), shape: [count, 1]) * sign
            return (own, Tensor.concatenated([own, own], 1))
        }
        let metric = try Metric.parse("accuracy", networks: ["face"])
        let found = try Evaluator([metric], networks: [oracle], cache: nil)(faces)
        #expect(found.accuracies.map(\.name) == ["Smiling"])
        #expect(found.accuracies[0].accuracy == share && found.accuracies[0].balanced == share)
        #expect(found.scores.map(\.value) == [share, share])
    }

    @Test func protocolsDoNotMix() throws {
        let place = try TemporaryFolder()
        let a = StorePictures(try Self.store(place, "builtin:16"), title: "a")
        let b = StorePictures(try Self.store(place, "builtin:16", "faces16-box"), title: "b")
        let error = #expect(throws: EvaluationError.self) {
            try Evaluator(Self.metrics, networks: [Self.quarters()], cache: nil)(a, against: b)
        }
        #expect("\(try #require(error))".contains("faces16-box"))
    }

    @Test func statisticsAreKeptByContent() throws {
        let place = try TemporaryFolder()
        let cache = FeatureCache(folder: place.file("cache"))
        let store = try Self.store(place, "builtin:100")
        var seen = 0
        let network = Self.quarters { seen += $0 }
        func pass(_ pictures: StorePictures) throws -> FeatureSet {
            try #require(try FeaturePass([network], cache: cache)(pictures)["face"])
        }
        let first = try pass(StorePictures(store, title: "one name"))
        #expect(seen == 100)
        let copy = place.file("elsewhere.faces")
        try FileManager.default.copyItem(atPath: store.path, toPath: copy)
        let second = try pass(StorePictures(try FaceStore(path: copy), title: "another"))
        #expect(seen == 100, "found again under another path")
        #expect(first.sample.bytes() == second.sample.bytes())
        #expect(first.moments.covariance.bytes() == second.moments.covariance.bytes())
        #expect(first.logits?.bytes() == second.logits?.bytes())
        _ = try pass(StorePictures(store, title: "fewer", limit: 50))
        #expect(seen == 150)
    }

    @Test func cancelsBetweenBatches() throws {
        let place = try TemporaryFolder()
        let faces = StorePictures(try Self.store(place, "builtin:200"), title: "faces")
        var batches = 0
        let network = Self.quarters { _ in batches += 1 }
        #expect(throws: CancellationError.self) {
            try Evaluator(Self.metrics, networks: [network], cache: nil)(
                faces, against: faces, isCancelled: { batches == 2 })
        }
        #expect(batches == 2)
    }

    @Test func reportsAreWhole() throws {
        let place = try TemporaryFolder()
        let faces = StorePictures(try Self.store(place, "builtin:80@1"), title: "<faces>")
        let reference = StorePictures(try Self.store(place, "builtin:90@2"), title: "reference")
        let found = try Evaluator(Self.metrics, networks: [Self.quarters()], cache: nil)(
            faces, against: reference)
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .iso8601
        decoder.nonConformingFloatDecodingStrategy = .convertFromString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        let back = try decoder.decode(Evaluation.self, from: Data(found.json()))
        #expect(back.scores == found.scores && back.neighbors == found.neighbors)
        let page = String(
            decoding: try EvaluationReport(found, evaluated: faces, reference: reference).html(),
            as: UTF8.self)
        for score in found.scores { #expect(page.contains("<code>\(score.name)</code>")) }
        #expect(page.contains("&lt;faces&gt;") && !page.contains("<faces>"))
        #expect(page.components(separatedBy: "data:image/png;base64,").count == 4)
    }

    @Test func picturesOfThePageBearTheMarksOfTheFiles() throws {
        let place = try TemporaryFolder()
        let reference = try Self.store(place, "builtin:80@2")
        for index in 0..<80 {
            let image = SyntheticImage(
                picture: reference.picture(index), origin: Origin(software: "FaceGAN", model: "m"))
            try place.write(image.png(), to: "generated/\(index).png")
        }
        let faces = StorePictures(try Self.store(place, place.file("generated")), title: "generated")
        let photos = StorePictures(reference, title: "reference")
        let found = try Evaluator(Self.metrics, networks: [Self.quarters()], cache: nil)(
            faces, against: photos)
        let page = String(
            decoding: try EvaluationReport(found, evaluated: faces, reference: photos).html(), as: UTF8.self)
        let figures = page.components(separatedBy: "data:image/png;base64,").dropFirst().compactMap {
            Data(base64Encoded: String($0.prefix { $0 != "\"" }))
        }
        // The evaluated pictures, the reference, and pairs of both.
        #expect(
            figures.map { Provenance.read([UInt8]($0))?.source } == [
                .trainedAlgorithmicMedia, nil, .compositeWithTrainedAlgorithmicMedia,
            ])
    }
}
