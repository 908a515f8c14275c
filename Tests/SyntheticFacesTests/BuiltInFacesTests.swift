import Imaging
import SyntheticFaces
import Testing

struct BuiltInFacesTests {
    let faces = BuiltInFaces()

    @Test func aFaceDependsOnSeedAndIndexOnly() {
        #expect(faces.face(3, size: 32) == BuiltInFaces(seed: 0).face(3, size: 32))
        #expect(faces.face(3, size: 32).picture != faces.face(4, size: 32).picture)
        #expect(faces.face(3, size: 32).picture != BuiltInFaces(seed: 1).face(3, size: 32).picture)
    }

    @Test func anySizeIsDrawn() {
        for size in [8, 17, 50, 128] {
            let picture = faces.face(1, size: size).picture
            #expect(picture.width == size && picture.height == size && picture.channels == 3)
        }
    }

    @Test func everyDefinedAttributeVaries() {
        let count = 2000
        var present = [Int](repeating: 0, count: 40)
        for index in 0..<count {
            let attributes = faces.face(index, size: 8).attributes
            #expect(attributes.count == 40)
            for (i, value) in attributes.enumerated() where value == 1 { present[i] += 1 }
        }
        for (name, count) in zip(BuiltInFaces.attributeNames, present) where name != "Attractive" {
            let frequency = Double(count) / 2000
            #expect((0.02...0.9).contains(frequency), "\(name): \(frequency)")
        }
    }
}
