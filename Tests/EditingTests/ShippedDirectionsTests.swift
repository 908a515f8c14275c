import Checkpoints
import Editing
import Synthesis
import Testing
import Torch

/// The directions of the included model.
@Suite struct ShippedDirectionsTests {
    @Test func directionsFitTheModel() async throws {
        let service = FaceService()
        let model = try await service.load("celeba64", precision: .fp32)
        let set = try DirectionFile.open("celeba64", digest: model.info.digest).set
        #expect(set.attributes.count == 40 && set.spaces.map(\.space) == [.z, .w])
        for name in ["Smiling", "Male", "Eyeglasses", "Blond_Hair", "Young"] {
            let index = try #require(set.attributes.firstIndex(of: name))
            let quality = try #require(set[.w]?.qualities[index])
            #expect(quality.accuracy >= 0.9, "\(name): \(quality)")
        }
        // Three units are about six logits.
        let found = try await service.resolve([Edit("Smiling", -3)], of: model, directions: set)
        let origins = try await service.origins(of: model, from: (0..<4).map { .seed($0) }, in: found.space)
        let report = try await service.report(found.edits, on: origins, of: model)
        #expect(report.targets[0].difference < -2.5, "\(report)")
    }
}
