import Checkpoints
import Datasets
import Evaluation
import Imaging
import ModelTestSupport
import Models
import Provenance
import Recipes
import Settings
import Synchronization
import Synthesis
import TestSupport
import Testing
import Torch
import TorchNN

@Suite struct FaceServiceTests {
    @Test func facesEqualThoseOfASampler() async throws {
        let fixture = try ModelFixture.tiny()
        let service = FaceService()
        let model = try await service.load(fixture.path)
        let sampler = try FaceSampler(fixture.path)
        let seeds: [UInt64] = [9, 4, .max, 4]
        let faces = try await service.faces(of: model, from: seeds.map { .seed($0) })
        #expect(faces == sampler.faces(seeds: seeds))
        #expect(faces[1] == faces[3])
        let film = try await service.film(of: model, through: [.seed(3), .seed(8)], framesPerStep: 4)
        let expected = try sampler.film(through: [.seed(3), .seed(8)], framesPerStep: 4)
        #expect(film == expected)
        #expect(model.resolution == 16 && model.spaces == [.z] && model.info.digest == sampler.model.digest)
    }

    /// 200 tasks at the same time, each with its own seeds: every face equals the one that is computed alone.
    @Test func twoHundredCallersGetTheirFaces() async throws {
        let fixture = try ModelFixture.tiny()
        let service = FaceService()
        let model = try await service.load(fixture.path)
        let sampler = try FaceSampler(fixture.path)
        let expected = (0..<32).map { sampler.faces(seeds: [UInt64($0)])[0] }
        let wrong = try await withThrowingTaskGroup(of: Int.self) { group in
            for caller in 0..<200 {
                group.addTask {
                    // 1 to 21 faces: every batch size, alone and together.
                    let seeds = (0..<(1 + caller % 21)).map { UInt64((7 * caller + 5 * $0) % 32) }
                    let faces = try await service.faces(of: model, from: seeds.map { .seed($0) })
                    return zip(seeds, faces).count { expected[Int($0)] != $1 }
                        + abs(seeds.count - faces.count)
                }
            }
            return try await group.reduce(0, +)
        }
        #expect(wrong == 0)
    }

    @Test func allJobsRunOnTheEngineThread() async throws {
        let fixture = try ModelFixture.tiny()
        let engine = EngineThread()
        let (first, second) = (FaceService(engine: engine), FaceService(engine: engine))
        let threads = Mutex<Set<Int>>([])
        let models = [try await first.load(fixture.path), try await second.load(fixture.path)]
        for (service, model) in zip([first, second], models) {
            _ = try await service.faces(of: model, from: [.seed(1)]) { _, _ in
                // Traps on any other thread.
                engine.checkIsolated()
                threads.withLock { _ = $0.insert(1) }
            }
        }
        #expect(threads.withLock { $0.count } == 1)
    }

    @Test func progressCountsFaces() async throws {
        let fixture = try ModelFixture.tiny()
        let service = FaceService()
        let model = try await service.load(fixture.path)
        let seen = Mutex<[Int]>([])
        _ = try await service.faces(of: model, from: (0..<85).map { .seed($0) }) { done, total in
            #expect(total == 85)
            seen.withLock { $0.append(done) }
        }
        #expect(seen.withLock { $0 } == [64, 80, 84, 85])
    }

    /// A cancelled call ends after the batch that is being computed; others are not affected.
    @Test func cancellationStopsBetweenBatches() async throws {
        let fixture = try ModelFixture.tiny()
        let service = FaceService()
        let model = try await service.load(fixture.path)
        let done = Mutex(0)
        let task = Task {
            try await service.faces(of: model, from: (0..<10_000).map { .seed($0) }) { count, _ in
                done.withLock { $0 = count }
                withUnsafeCurrentTask { $0?.cancel() }
            }
        }
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(done.withLock { $0 } == 64)
        #expect(try await service.faces(of: model, from: [.seed(1)]).count == 1)
    }

    @Test func modelsAreLoadedAndUnloaded() async throws {
        let fixture = try ModelFixture.tiny()
        let service = FaceService()
        let model = try await service.load(fixture.path)
        await service.unload(model)
        let error = await #expect(throws: SynthesisError.self) {
            try await service.faces(of: model, from: [.seed(1)])
        }
        #expect("\(error!)".contains("not loaded"))
        await #expect(throws: CheckpointError.self) { try await service.load("no/such/model") }
        let noSheet = await #expect(throws: SynthesisError.self) {
            try await service.sheet(of: service.load(fixture.path), seeds: [1])
        }
        #expect("\(noSheet!)".contains("a model with attributes"))
    }

    @Test func evaluatesPictures() async throws {
        let service = FaceService()
        var request = EvaluationRequest("builtin:24", against: "builtin:16")
        request.metrics = ["swd"]
        request.data = try .parse("square16")
        let stages = Mutex<[EvaluationRequest.Stage]>([])
        let result = try await service.evaluate(request, wantsReport: true) { stage in
            stages.withLock { $0.append(stage) }
        }
        #expect(result.evaluation.scores.map(\.name) == ["swd"])
        #expect(String(decoding: result.html ?? [], as: UTF8.self).contains("sliced Wasserstein"))
        #expect(stages.withLock { $0.contains(.evaluating(.computing(metric: "swd"))) })
        // A request that is cancelled before it starts computes nothing.
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await service.evaluate(request)
        }
        await #expect(throws: CancellationError.self) { try await task.value }
    }
}

/// Latents of every space and origin.
@Suite struct LatentPointTests {
    @Test func pointsOfSeedsGiveTheirFaces() async throws {
        let fixture = try ModelFixture.tiny()
        let service = FaceService()
        let model = try await service.load(fixture.path)
        let points = try await service.points(of: model, seeds: [5, 6])
        #expect(points.map(\.origin) == ["seed 5", "seed 6"])
        #expect(points.allSatisfy { $0.space == .z && $0.shape == [6] && $0.labels == nil })
        let file = fixture.folder.file("latents.safetensors")
        let written = try LatentFile(points, model: model.info.digest)
        try written.write(to: file)
        let read = try LatentFile(path: file)
        #expect(read == written)
        let faces = try await service.faces(of: model, from: [.seed(5)] + read.points.map { .point($0) })
        #expect(faces[0].picture == faces[1].picture && faces[0].picture != faces[2].picture)
        #expect(faces[1].origin["latent"] == "seed 5")
    }

    /// w and w+ of a style generator, and z beside them.
    @Test func styleGeneratorsTakeEverySpace() async throws {
        TestStyleSettings.registerOnce()
        let fixture = try ModelFixture(
            "dcgan", [], settings: "resolution: 16\ngenerator: {kind: test-style, latent: {size: 5}}\n")
        let service = FaceService()
        let model = try await service.load(fixture.path)
        #expect(model.spaces == [.z, .w, .wPlus])
        let seeds: [UInt64] = [1, 2, 3]
        let plain = try await service.faces(of: model, from: seeds.map { .seed($0) }).map(\.picture)
        #expect(Set(plain.map(\.pixels)).count == 3)
        for space in LatentPoint.Space.allCases {
            let points = try await service.points(of: model, seeds: seeds, space: space)
            #expect(points[0].shape == (space == .z ? [5] : space == .w ? [6] : [3, 6]))
            let file = fixture.folder.file("latents-\(space.rawValue).safetensors")
            try LatentFile(points).write(to: file)
            let sources = try LatentFile(path: file).points.map { LatentSource.point($0) }
            let faces = try await service.faces(of: model, from: sources).map(\.picture)
            #expect(faces == plain, "\(space)")
        }
        // A film through points of several spaces begins at the first one.
        let stops = [
            LatentSource.point(try await service.points(of: model, seeds: [1], space: .w)[0]), .seed(2),
        ]
        let film = try await service.film(of: model, through: stops, framesPerStep: 2)
        #expect(film.count == 4 && film[0].picture == plain[0] && film[2].picture == plain[1])
        #expect(film[0].origin["latents"] == "seed 1,seed 2")
        // An edit of one layer, and a seed in the same call.
        let point = try await service.points(of: model, seeds: [1], space: .wPlus)[0]
        var values = point.values
        for index in 0..<6 { values[index] += 1 }
        let edited = try LatentPoint(.wPlus, shape: [3, 6], values: values, origin: "edit layer 0")
        let mixed = try await service.faces(of: model, from: [.point(edited), .seed(2)])
        #expect(mixed[0].picture != plain[0] && mixed[1].picture == plain[1])
        #expect(mixed[0].origin["latent"] == "edit layer 0")
    }

    @Test func latentsThatDoNotFitAreRefused() async throws {
        let fixture = try ModelFixture.tiny()
        let service = FaceService()
        let model = try await service.load(fixture.path)
        func complaint(_ make: () throws -> LatentPoint) async -> String {
            do {
                _ = try await service.faces(of: model, from: [.point(try make())])
                return "nothing"
            } catch { return "\(error)" }
        }
        let short = await complaint { try LatentPoint(.z, shape: [5], values: [0, 0, 0, 0, 0]) }
        #expect(short.contains("expected shape [6]") && short.contains("got [5]"), "\(short)")
        let labels = await complaint {
            try LatentPoint(.z, shape: [6], values: [0, 0, 0, 0, 0, 0], labels: [1])
        }
        #expect(labels.contains("expected 0 labels"), "\(labels)")
        let style = await complaint { try LatentPoint(.w, shape: [6], values: [0, 0, 0, 0, 0, 0]) }
        #expect(style.contains("no spaces w and w+"), "\(style)")
        #expect(await complaint { try LatentPoint(.z, shape: [1], values: [.nan]) }.contains("not finite"))
        #expect(
            await complaint { try LatentPoint(.wPlus, shape: [4], values: [0, 0, 0, 0]) }.contains("[L, W]"))
        #expect(throws: SynthesisError.self) { try LatentFile(path: fixture.path) }
    }
}

/// A small style generator as a family of recipes.
struct TestStyleSettings: NetworkFamily {
    static let name = "test-style"
    private static let registered: Void = NetworkFamilies.register(TestStyleSettings.self)
    static func registerOnce() { registered }

    init() {}

    mutating func fields(_ v: inout some FieldVisitor) throws {}

    func makeGenerator(latentSpace: LatentSpace, resolution: Int, labels: Int) -> any Generator {
        TestStyleGenerator(latentSpace: latentSpace, resolution: resolution)
    }

    func makeDiscriminator(resolution: Int, conditions: ConditionSettings) -> any Discriminator {
        DCGANSettings().makeDiscriminator(resolution: resolution, conditions: conditions)
    }
}

final class TestStyleGenerator: Module, StyleGenerator {
    let latentSpace: LatentSpace
    let resolution: Int
    let layerCount = 3
    let averageW = Buffer(Tensor.zeros([6]))
    let mapping: Linear
    let color: Linear

    init(latentSpace: LatentSpace, resolution: Int) {
        (self.latentSpace, self.resolution) = (latentSpace, resolution)
        mapping = Linear(latentSpace.size, 6)
        color = Linear(18, 3 * resolution * resolution)
    }

    func map(_ latents: Latents) -> Tensor {
        mapping(latents.z).unsqueezed(1).expanded(to: [latents.count, layerCount, 6])
    }

    func synthesize(_ w: Tensor, noise: NoiseInput) -> Tensor {
        color(w.contiguous().reshape([w.shape[0], 18])).tanh()
            .reshape([w.shape[0], 3, resolution, resolution])
    }
}
