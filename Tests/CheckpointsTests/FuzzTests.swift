import Checkpoints
import Files
import ModelTestSupport
import TestSupport
import Testing

/// Damaged model files are rejected with the path of the file. They must not crash, hang or return other weights.
@Suite struct FuzzTests {
    @Test func models() throws {
        let fixture = try ModelFixture.tiny()
        let original = try MappedFile(path: fixture.path).bytes(0..<MappedFile(path: fixture.path).count)
        let digest = try GeneratorModel(fixture.path).digest
        let path = fixture.folder.file("mutated.safetensors")
        var rejected = 0
        for number in FuzzNumbers("model", usual: 300) {
            var mutator = Mutator(seed: UInt64(number))
            try fixture.folder.write(mutator.mutate(original), to: "mutated.safetensors")
            do {
                #expect(try GeneratorModel(path).digest == digest, "mutation \(number)")
            } catch {
                #expect("\(error)".contains(path), "mutation \(number): \(error)")
                rejected += 1
            }
        }
        #expect(rejected > 0)
    }
}
