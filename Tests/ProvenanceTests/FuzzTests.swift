import Imaging
import Provenance
import TestSupport
import Testing

/// Damaged metadata result in an origin or in none. They must not crash or hang.
@Suite struct FuzzTests {
    @Test func metadata() throws {
        let image = SyntheticImage(
            picture: Picture(width: 2, height: 2, channels: 3, filledWith: 9),
            origin: Origin(
                software: "FaceGAN", model: "9f86", fields: [("seed", "17"), ("note", "a <b> & \"c\"")]))
        // The packet alone is damaged, since it is most of a file of four pixels.
        let originals = [try image.png(), try image.jpeg()]
        var (found, lost) = (0, 0)
        for number in FuzzNumbers("metadata", usual: 500) {
            var mutator = Mutator(seed: UInt64(number))
            let bytes = mutator.mutate(originals[number % 2], donors: originals)
            if let origin = Provenance.read(bytes) {
                #expect(origin.software.utf8.count <= bytes.count && origin.model.utf8.count <= bytes.count)
                #expect(origin.fields.count < bytes.count, "mutation \(number)")
                found += 1
            } else {
                lost += 1
            }
        }
        #expect(found > 0 && lost > 0)
    }
}
