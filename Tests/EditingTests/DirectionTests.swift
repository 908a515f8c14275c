import Checkpoints
import Editing
import Foundation
import ModelTestSupport
import Models
import Synthesis
import TestSupport
import Testing
import Torch
import TorchNN

/// Directions of tiny networks.
@Suite struct DirectionTests {
    /// The direction of a generator of gray pictures is found, and one unit changes the logit by the requested amount, on the
    /// faces of the calibration.
    @Test(arguments: [LatentPoint.Space.z, .w]) func knownDirectionsAreFound(space: LatentPoint.Space)
        async throws
    {
        let fixture = try await EditFixture.gray()
        let generator = try #require(try GeneratorModel(fixture.model.path).generator as? GrayGenerator)
        let known = generator.brightness.weight.value.floats()
        let deviation = try await fixture.directions().deviations.reduce(.infinity, min)
        let set = try await fixture.directions(logitsPerUnit: 0.3 * Double(deviation))
        let found = try #require(set[space])
        let sources = (0..<8).map { LatentSource.seed(1_000_000 + $0) }
        let origins = try await fixture.service.origins(
            of: fixture.loaded, from: sources, in: space == .z ? .z : .wPlus)
        for (direction, quality) in zip(found.normals, found.qualities) {
            #expect(abs(Vectors.cosine(direction.vector, known)) > 0.98, "\(direction)")
            #expect(quality.correlation > 0.9 && quality.accuracy == 1, "\(quality)")
            func change(_ amount: Double) async throws -> Double {
                let edit = ResolvedEdit(
                    Edit(direction.name, amount), .direction(vector: direction.vector, unit: direction.unit),
                    attribute: direction.attribute)
                let report = try await fixture.service.report(
                    [edit], on: origins, of: fixture.loaded, network: fixture.face.path)
                return try #require(report.targets.first).difference
            }
            let half = (try await change(1) - (try await change(-1))) / 2
            #expect(
                abs(half - set.logitsPerUnit) < 0.15 * set.logitsPerUnit,
                "\(space) \(direction.name): \(half)")
            let own = try #require(set.attributes.firstIndex(of: direction.attribute))
            #expect(abs(Double(direction.effects[own]) - set.logitsPerUnit) < 1e-3 * set.logitsPerUnit)
        }
        // The strongest identity axis is the only direction that changes the picture.
        #expect(abs(Vectors.cosine(found.identityAxes[0], known)) > 0.999)
        #expect(found.identityShares[0] > 0.999)
    }

    @Test func everySpaceHasItsDirections() async throws {
        let style = try await EditFixture.style().directions()
        #expect(style.spaces.map(\.space) == [.z, .w] && style.defaultSpace == .w)
        #expect(style[.w]?.unsupervised.map(\.name) == ["sefa1", "sefa2", "pca1", "pca2"])
        #expect(style[.w]?.normals.map(\.name) == ["Smiling", "Young"] && style.samples == 200)
        #expect(style[.w]?.normals[0].vector.count == 6 && style[.z]?.normals[0].vector.count == 8)
        let plain = try await EditFixture.dcgan().directions()
        #expect(plain.spaces.map(\.space) == [.z] && plain.defaultSpace == .z)
        #expect(plain[.z]?.unsupervised.count == 4)
        for (first, row) in plain.correlations.enumerated() {
            #expect(abs(row[first] - 1) < 1e-4)
        }
    }

    @Test func identityAxesAreOrthonormal() async throws {
        let set = try await EditFixture.style().directions()
        for space in set.spaces {
            let axes = space.identityAxes
            #expect(axes.count == space.normals[0].vector.count)
            for (i, a) in axes.enumerated() {
                for (j, b) in axes.enumerated() { #expect(abs(Vectors.dot(a, b) - (i == j ? 1 : 0)) < 1e-4) }
            }
            let shares = space.identityShares
            #expect(
                zip(shares, shares.dropFirst()).allSatisfy { $0 >= $1 } && abs(shares.reduce(0, +) - 1) < 1e-3
            )
        }
    }

    /// The same seed gives the same directions, and a stopped computation continues from its cache.
    @Test func computationIsReproducibleAndResumes() async throws {
        let fixture = try await EditFixture.dcgan()
        let cache = fixture.model.folder.file("cache")
        let expected = try await fixture.directions()
        let first = try await fixture.directions(cache: cache)
        let files = try FileManager.default.contentsOfDirectory(atPath: cache)
        #expect(files.count == 1 && files[0].hasPrefix("samples-"))
        let second = try await fixture.directions(cache: cache)
        #expect(first == expected && second == expected)
        // A damaged cache is computed again.
        try fixture.model.folder.write("damaged", to: "cache/" + files[0])
        #expect(try await fixture.directions(cache: cache) == expected)
    }

    @Test func impossibleSettingsAreRefused() async throws {
        let fixture = try await EditFixture.dcgan()
        var settings = EditFixture.settings
        settings.samples = 20
        let few = await #expect(throws: EditError.self) {
            try await fixture.service.directions(
                of: fixture.loaded, network: fixture.face.path, settings: settings)
        }
        #expect("\(few!)".contains("100 or more samples"))
        settings.samples = 200
        settings.spaces = [.w]
        let noSpace = await #expect(throws: EditError.self) {
            try await fixture.service.directions(
                of: fixture.loaded, network: fixture.face.path, settings: settings)
        }
        #expect("\(noSpace!)".contains("no space w"))
    }
}

@Suite struct DirectionFileTests {
    @Test func fileHoldsTheSet() async throws {
        let fixture = try await EditFixture.style()
        let set = try await fixture.directions()
        let file = try await fixture.file()
        #expect(file.path == fixture.model.folder.file("model.directions.safetensors"))
        #expect(file.set.attributes == set.attributes && file.set.model == fixture.loaded.info.digest)
        #expect(file.set.correlations == set.correlations && file.set.deviations == set.deviations)
        #expect(file.digest.count == 64)
        for (read, written) in zip(file.set.spaces, set.spaces) {
            #expect(read.qualities == written.qualities)
            for (a, b) in zip(read.normals + read.conditional, written.normals + written.conditional) {
                // Half precision.
                #expect(
                    Vectors.cosine(a.vector, b.vector) > 0.999_999 && a.unit == b.unit && a.name == b.name)
            }
        }
        // What is read is written again without a change.
        let again = fixture.model.folder.file("again.safetensors")
        try DirectionFile.write(file.set, to: again)
        #expect(
            try DirectionFile(path: again).set.spaces.map(\.qualities) == file.set.spaces.map(\.qualities))
    }

    @Test func missingAndForeignFilesAreNamed() async throws {
        let fixture = try await EditFixture.dcgan()
        let missing = #expect(throws: EditError.self) {
            try DirectionFile.open(fixture.model.path, digest: "x")
        }
        #expect("\(missing!)".contains("facegan directions"))
        _ = try await fixture.file()
        let foreign = #expect(throws: EditError.self) {
            try DirectionFile.open(fixture.model.path, digest: "another")
        }
        #expect("\(foreign!)".contains("belong to the model"))
        let noDirections = #expect(throws: EditError.self) { try DirectionFile(path: fixture.model.path) }
        #expect("\(noDirections!)".contains("no directions of this version"))
    }

    /// Damaged files are refused with their path, or read with finite values.
    @Test func damagedFilesAreSafe() async throws {
        let fixture = try await EditFixture.dcgan()
        let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: try await fixture.file().path)))
        let path = fixture.model.folder.file("damaged.safetensors")
        var refused = 0
        for number in FuzzNumbers("directions", usual: 200) {
            var mutator = Mutator(seed: UInt64(number))
            try fixture.model.folder.write(mutator.mutate(bytes), to: "damaged.safetensors")
            do {
                let set = try DirectionFile(path: path).set
                for space in set.spaces {
                    #expect(space.normals.allSatisfy { $0.vector.allSatisfy(\.isFinite) && $0.unit > 0 })
                }
            } catch {
                refused += 1
                #expect("\(error)".contains("damaged.safetensors"), "mutation \(number): \(error)")
            }
        }
        #expect(refused > 100)
    }
}
