import Datasets
import FaceDatasets
import Files
import Foundation
import Imaging
import Models
import Provenance
import Synchronization
import Synthesis
import TestSupport
import Testing

/// Whole data sets of tiny models.
@Suite struct BuilderTests {
    let place: TemporaryFolder

    init() throws { place = try TemporaryFolder() }

    private func build(_ plan: FaceDatasetPlan) async throws -> FaceDatasetSummary {
        try await FaceDatasetBuilder(plan, threads: 1).build()
    }

    /// One data set in all layouts, which several tests read.
    private static let shared = Task {
        let place = try TemporaryFolder()
        var plan = DatasetFixture.plan(try DatasetFixture.plain.get().path, place.file("set"), count: 90)
        plan.formats = FaceDatasetPlan.Format.allCases
        plan.firstSeed = 7
        plan.name = "tiny faces"
        let summary = try await FaceDatasetBuilder(plan, threads: 1).build()
        return (place: place, folder: plan.folder, summary: summary)
    }

    private func rows(_ folder: String) throws -> [[String: Any]] {
        try DataSplit.allCases.flatMap { split in
            try DatasetFixture.table("\(folder)/imagefolder/\(split.rawValue)/metadata.jsonl")
        }
    }

    // MARK: Layouts

    @Test func imageFoldersHavePicturesAndLabels() async throws {
        let made = try await Self.shared.value
        #expect(made.summary.count == 90 && made.summary.examined == 90)
        #expect(made.summary.splits == ["train": 72, "validation": 9, "test": 9])
        let sampler = try FaceSampler(DatasetFixture.plain.get().path)
        var seeds: Set<UInt64> = []
        for split in DataSplit.allCases {
            let folder = "\(made.folder)/imagefolder/\(split.rawValue)"
            for row in try DatasetFixture.table(folder + "/metadata.jsonl") {
                let name = try #require(row["file_name"] as? String)
                let png = try DatasetFixture.bytes(folder + "/" + name)
                #expect(Digest.sha256(png) == row["file_sha256"] as? String)
                let picture = try PictureDecoder.decode(png).picture
                #expect(Digest.sha256(picture.pixels) == row["pixels_sha256"] as? String)
                let seed = try #require(row["seed"] as? UInt64)
                seeds.insert(seed)
                // The picture is that of the seed, with its mark.
                #expect(try png == sampler.faces(seeds: [seed])[0].png())
                #expect(Provenance.read(png)?["seed"] == "\(seed)")
                #expect(row["split"] as? String == split.rawValue)
                let attributes = try #require(row["attributes"] as? [String: Int])
                let probabilities = try #require(row["probabilities"] as? [String: Double])
                #expect(attributes.count == 40 && probabilities.count == 40)
                for (name, value) in attributes {
                    let probability = try #require(probabilities[name])
                    #expect(value == (probability > 0.5 ? 1 : -1) || abs(probability - 0.5) < 1e-3)
                }
            }
        }
        #expect(seeds == Set(7..<97))
    }

    @Test func shardsHaveTheSameContents() async throws {
        let made = try await Self.shared.value
        var table: [Int: [String: Any]] = [:]
        for row in try rows(made.folder) { table[try #require(row["index"] as? Int)] = row }
        var seen = 0
        for split in DataSplit.allCases {
            let path = "\(made.folder)/webdataset/\(split.rawValue)-000000.tar"
            let archive = try TarArchive(path: path)
            let entries = try #require(archive.entries)
            for pair in stride(from: 0, to: entries.count, by: 2) {
                let (json, png) = (entries[pair], entries[pair + 1])
                let key = String(json.name.prefix(8))
                #expect(json.name == key + ".json" && png.name == key + ".png")
                let object = try #require(
                    JSONSerialization.jsonObject(with: Data(try archive.read(json))) as? [String: Any])
                let number = try #require(Int(key))
                var row = try #require(table[number])
                let name = try #require(row.removeValue(forKey: "file_name") as? String)
                #expect(NSDictionary(dictionary: object) == NSDictionary(dictionary: row))
                let file = "\(made.folder)/imagefolder/\(split.rawValue)/\(name)"
                #expect(try archive.read(png) == DatasetFixture.bytes(file))
                seen += 1
            }
        }
        #expect(seen == 90)
    }

    @Test func styleGANArchivesAreSources() async throws {
        let made = try await Self.shared.value
        let source = try SourceOpener.open(made.folder + "/stylegan/train.zip")
        #expect(source.kind == .labeled && source.count == 72 && source.labelIssues.isEmpty)
        #expect(source.names[71] == "00000/img00000071.png")
        let rows = try DatasetFixture.table(made.folder + "/imagefolder/train/metadata.jsonl")
        #expect(source.labels.vectorWidth == 40)
        let names = made.summary.frequencies.map(\.name)
        for (index, row) in rows.enumerated() {
            let attributes = try #require(row["attributes"] as? [String: Int])
            let expected = names.map { Float(attributes[$0] == 1 ? 1 : 0) }
            #expect(Array(source.labels.vectors[index * 40..<(index + 1) * 40]) == expected)
        }
        let name = try #require(rows[3]["file_name"] as? String)
        let picture = try PictureDecoder.decode(
            DatasetFixture.bytes("\(made.folder)/imagefolder/train/\(name)")
        ).picture
        #expect(try source.picture(at: 3) == picture)
    }

    @Test func celebAFoldersAreSources() async throws {
        let made = try await Self.shared.value
        let source = try SourceOpener.open(made.folder + "/celeba")
        #expect(source.kind == .celebA && source.count == 90 && source.labelIssues.isEmpty)
        let labels = source.labels
        #expect(labels.attributeNames == made.summary.frequencies.map(\.name))
        #expect(Set(labels.identities).count == 90)
        for row in try rows(made.folder) {
            let index = try #require(row["index"] as? Int)
            let split = try #require(DataSplit(rawValue: row["split"] as? String ?? ""))
            #expect(labels.splits[index] == split.code)
            let attributes = try #require(row["attributes"] as? [String: Int])
            let own = Array(labels.attributes[index * 40..<(index + 1) * 40])
            #expect(own == labels.attributeNames.map { Int8(attributes[$0] ?? 0) })
        }
        guard case .encoded(let jpeg) = try source.content(at: 0, size: 16) else {
            Issue.record("the source has no files")
            return
        }
        #expect(Provenance.read(jpeg)?.source == .trainedAlgorithmicMedia)
    }

    @Test func latentsGiveThePictures() async throws {
        let made = try await Self.shared.value
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: made.folder + "/latents") == [
                "z-00000.safetensors"
            ])
        let file = try LatentFile(path: made.folder + "/latents/z-00000.safetensors")
        let sampler = try FaceSampler(DatasetFixture.plain.get().path)
        let faces = try sampler.faces(file.points.map { .point($0) })
        #expect(faces.count == 90)
        for row in try rows(made.folder) {
            let index = try #require(row["index"] as? Int)
            #expect(Digest.sha256(faces[index].picture.pixels) == row["pixels_sha256"] as? String)
        }
    }

    /// The manifest and the Croissant file list the other files with their checksums.
    @Test func checksumsAreListed() async throws {
        let made = try await Self.shared.value
        let digests = try DatasetFixture.digests(made.folder)
        struct Manifest: Decodable {
            struct File: Decodable {
                let path: String, sha256: String, size: Int
            }
            let files: [File]
        }
        let manifest = try JSONDecoder().decode(
            Manifest.self, from: Data(try DatasetFixture.bytes(made.folder + "/manifest.json")))
        for file in manifest.files { #expect(digests[file.path] == file.sha256, "\(file.path)") }
        let listed = Set(manifest.files.map(\.path))
        let expected = Set(digests.keys).filter { path in
            let isPicture = path.hasPrefix("imagefolder/") || path.hasPrefix("celeba/img")
            return path != "manifest.json" && !(isPicture && !path.hasSuffix(".jsonl"))
        }
        #expect(listed == expected)
        let croissant = try #require(
            JSONSerialization.jsonObject(
                with: Data(try DatasetFixture.bytes(made.folder + "/croissant.json"))) as? [String: Any])
        #expect(croissant["conformsTo"] as? String == "http://mlcommons.org/croissant/1.0")
        let distribution = try #require(croissant["distribution"] as? [[String: Any]])
        for object in distribution where object["@type"] as? String == "cr:FileObject" {
            let path = try #require(object["contentUrl"] as? String)
            #expect(digests[path] == object["sha256"] as? String, "\(path)")
        }
        let readme = String(decoding: try DatasetFixture.bytes(made.folder + "/README.md"), as: UTF8.self)
        #expect(readme.contains("# tiny faces") && readme.contains("| pictures | 90 |"))
        #expect(readme.contains("torchvision refuses it"))
        for name in ["faces", "histograms"] {
            let png = try DatasetFixture.bytes("\(made.folder)/datasheet/\(name).png")
            #expect(try PictureDecoder.decode(png).picture.width > 100)
        }
    }

    // MARK: Reproducibility

    @Test func interruptionsAndBatchesChangeNothing() async throws {
        let model = try DatasetFixture.style.get().path
        var plan = DatasetFixture.plan(model, place.file("whole"), count: 200)
        plan.formats = [.imageFolder, .webDataset]
        plan.options.psi = 0.7
        _ = try await build(plan)
        let expected = try DatasetFixture.digests(plan.folder)
        #expect(expected.count > 200 && expected.keys.contains("latents/w-00000.safetensors"))
        #expect(!expected.keys.contains { $0.hasPrefix(".") || $0.contains("partial") })

        plan.folder = place.file("interrupted")
        plan.batchSize = 4
        let interrupted = plan
        for limit in [64, 128] {
            let task = Task {
                try await FaceDatasetBuilder(interrupted, threads: 2).build { stage in
                    if case .selecting(let done, _, _, _) = stage, done >= limit {
                        withUnsafeCurrentTask { $0?.cancel() }
                    }
                }
            }
            await #expect(throws: CancellationError.self) { try await task.value }
            #expect(try FileManager.default.contentsOfDirectory(atPath: plan.folder) == [WorkFolder.name])
        }
        let notices = Mutex<[String]>([])
        _ = try await FaceDatasetBuilder(plan, threads: 1).build(notice: { text in
            notices.withLock { $0.append(text) }
        })
        #expect(notices.withLock { $0 }.contains("Continues with 128 of 200 pictures."))
        #expect(try DatasetFixture.digests(plan.folder) == expected)

        // A finished data set stays as it is.
        let again = try await build(plan)
        #expect(again.count == 200)
        #expect(try DatasetFixture.digests(plan.folder) == expected)
        plan.count = 201
        let error = await #expect(throws: FaceDatasetError.self) { try await build(plan) }
        #expect("\(error!)".contains("finished data set of another command"))
    }

    // MARK: Persons

    @Test func personsShareCoarseRows() async throws {
        let model = try DatasetFixture.style.get().path
        var plan = DatasetFixture.plan(model, place.file("people"), count: 120)
        (plan.picturesPerIdentity, plan.identityRows) = (3, 2)
        plan.splits = try SplitShares("70/20/10")
        let summary = try await build(plan)
        #expect(summary.identities == 40)
        let file = try LatentFile(path: plan.folder + "/latents/w+-00000.safetensors")
        #expect(file.points.count == 120)
        let shared = 2 * file.points[0].shape[1]
        var parts: [Int: Set<String>] = [:]
        var seeds: Set<UInt64> = []
        for row in try rows(plan.folder) {
            let (index, identity) = (
                try #require(row["index"] as? Int), try #require(row["identity"] as? Int)
            )
            #expect(identity == index / 3 && row["variant"] as? Int == index % 3)
            parts[identity, default: []].insert(try #require(row["split"] as? String))
            let (own, first) = (file.points[index].values, file.points[identity * 3].values)
            #expect(own[..<shared] == first[..<shared])
            if index % 3 > 0 { #expect(own[shared...] != first[shared...]) }
            if let fine = row["fine_seed"] as? UInt64 { #expect(seeds.insert(fine).inserted) }
        }
        #expect(parts.count == 40 && parts.values.allSatisfy { $0.count == 1 })
        #expect(summary.splits == ["train": 84, "validation": 24, "test": 12])
        // The latents give the pictures.
        let faces = try FaceSampler(model).faces(file.points.map { .point($0) })
        for row in try rows(plan.folder) {
            let index = try #require(row["index"] as? Int)
            #expect(Digest.sha256(faces[index].picture.pixels) == row["pixels_sha256"] as? String)
        }
    }

    // MARK: Selection

    @Test func combinationsAreBalanced() async throws {
        let model = try DatasetFixture.plain.get().path
        var plan = DatasetFixture.plan(model, place.file("balanced"), count: 20)
        (plan.face, plan.balance) = (try DatasetFixture.face.get().path, ["Male", "Smiling"])
        plan.splits = try SplitShares("80/20")
        let summary = try await build(plan)
        #expect(summary.cells.map(\.accepted) == [5, 5, 5, 5] && summary.examined > 20)
        #expect(summary.frequencies.map(\.name) == ["Smiling", "Male"])
        #expect(summary.frequencies.map(\.generated) == [0.5, 0.5])
        #expect(summary.rejected == ["fullCombination": summary.examined - 20])
        // Every part has equal numbers, too.
        for (part, count) in [("train", 4), ("validation", 1)] {
            let table = try DatasetFixture.table("\(plan.folder)/imagefolder/\(part)/metadata.jsonl")
            var counts: [[String: Int]: Int] = [:]
            for row in table {
                counts[try #require(row["attributes"] as? [String: Int]), default: 0] += 1
            }
            #expect(counts.count == 4 && counts.values.allSatisfy { $0 == count })
        }

        // The limit is checked after every chunk of 64 candidates.
        (plan.count, plan.folder) = (120, place.file("whole"))
        let whole = try await build(plan)
        try #require(whole.examined > 128)
        (plan.folder, plan.candidateLimit) = (place.file("short"), 120)
        let error = await #expect(throws: FaceDatasetError.self) { try await build(plan) }
        #expect("\(error!)".contains("is not complete: Male="))
        // With a higher limit, the same folder continues.
        plan.candidateLimit = nil
        #expect(try await build(plan) == whole)
        let expected = try DatasetFixture.digests(place.file("whole"))
        #expect(try DatasetFixture.digests(plan.folder) == expected)
    }

    @Test func photographsGiveScoresAndALimit() async throws {
        let model = try DatasetFixture.plain.get().path
        var plan = DatasetFixture.plan(model, place.file("set"), count: 70)
        plan.reference = "builtin:40"
        plan.copyQuantile = 0
        let summary = try await build(plan)
        #expect(
            summary.scores.map(\.name)
                == ["fd-face", "precision-face", "recall-face", "density-face", "coverage-face"])
        #expect(summary.scores[0].count == 70 && summary.scores[0].referenceCount == 40)
        #expect(try #require(summary.smallestDistance) > 0 && summary.copyLimit != nil)
        #expect(summary.frequencies.allSatisfy { $0.photographs != nil })
        let row = try rows(plan.folder)[0]
        #expect((0..<40).contains(try #require(row["nearest_photograph"] as? Int)))
        let readme = String(decoding: try DatasetFixture.bytes(plan.folder + "/README.md"), as: UTF8.self)
        #expect(
            readme.contains("Compared with 40 photographs (`builtin:40`") && readme.contains("| fd-face |"))
    }

    /// Pictures of a model that copies photographs are removed: the photographs are the generated faces themselves.
    @Test func copiesOfTheReferenceAreRemoved() async throws {
        let model = try DatasetFixture.plain.get().path
        var plan = DatasetFixture.plan(model, place.file("photographs"), count: 64)
        (plan.splits, plan.formats) = (try SplitShares("100"), [.styleGAN])
        _ = try await build(plan)
        var next = DatasetFixture.plan(model, place.file("next"), count: 10)
        next.reference = place.file("photographs") + "/stylegan/train.zip"
        next.copyQuantile = 0
        let summary = try await build(next)
        // The seeds 0 to 63 are among the photographs.
        #expect(try #require(summary.rejected["nearPhotograph"]) >= 64)
        let seeds = try rows(next.folder).compactMap { $0["seed"] as? Int }
        #expect(seeds.allSatisfy { $0 >= 64 })
    }
}
