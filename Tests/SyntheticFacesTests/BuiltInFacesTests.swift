import Imaging
import SyntheticFaces
import Testing

struct BuiltInFacesTests {
    let faces = BuiltInFaces()

    @Test func facesDependOnlyOnSeedAndIndex() {
        #expect(faces.face(3, size: 32) == BuiltInFaces(seed: 0).face(3, size: 32))
        #expect(faces.face(3, size: 32).picture != faces.face(4, size: 32).picture)
        #expect(faces.face(3, size: 32).picture != BuiltInFaces(seed: 1).face(3, size: 32).picture)
    }

    @Test func everySizeIsSupported() {
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

/// Pixels: equal bytes on every machine, landmarks on eyes and mouth, visible attributes.
struct BuiltInFacesPixelTests {
    let faces = BuiltInFaces()

    /// FNV-1a of the pixels.
    private func digest(_ indices: Range<Int>, size: Int) -> String {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for index in indices {
            for byte in faces.face(index, size: size).picture.pixels {
                hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3
            }
        }
        return String(hash, radix: 16)
    }

    /// A change of these digests changes the data set and all results measured with it.
    @Test func picturesAreEqualOnEveryMachine() {
        #expect(digest(0..<16, size: 64) == "4d7e158102304fa7")
        #expect(digest(16..<20, size: 50) == "4106f9fcaf2984eb")
    }

    @Test func landmarksAreOrderedAndInside() {
        for index in 0..<500 {
            let marks = faces.face(index, size: 16).landmarks.map { $0 / 16 }
            #expect(marks.count == 5)
            let (left, right, nose) = (marks[0], marks[1], marks[2])
            let (leftCorner, rightCorner) = (marks[3], marks[4])
            #expect(
                marks.allSatisfy { $0.x > 0.1 && $0.x < 0.9 && $0.y > 0.25 && $0.y < 0.9 }, "face \(index)")
            #expect(right.x - left.x > 0.13 && right.x - left.x < 0.33, "face \(index)")
            #expect(rightCorner.x > leftCorner.x, "face \(index)")
            #expect(
                nose.y > max(left.y, right.y) && min(leftCorner.y, rightCorner.y) > nose.y, "face \(index)")
            let eyes = (left.y + right.y) / 2
            #expect(eyes > 0.35 && eyes < 0.57, "face \(index)")
        }
    }

    @Test func eyesHaveDarkPupilsAndBrightWhites() {
        var (dark, bright, count) = (0, 0, 0)
        for index in 0..<150 {
            let face = faces.face(index, size: 128)
            if value("Eyeglasses", face) == 1 || value("Blurry", face) == 1 || value("Narrow_Eyes", face) == 1
            {
                continue
            }
            let cheek = (face.landmarks[0] + face.landmarks[3]) / 2
            let skin = luminances(face.picture, around: cheek, radius: 2).reduce(0, +) / 25
            for eye in face.landmarks[0...1] {
                let around = luminances(face.picture, around: eye, radius: 6)
                count += 1
                if around.min()! < 0.5 * skin { dark += 1 }
                if around.max()! > skin { bright += 1 }
            }
        }
        #expect(count > 100)
        #expect(Double(dark) > 0.95 * Double(count))
        #expect(Double(bright) > 0.85 * Double(count))
    }

    @Test func attributesAreVisible() {
        // Mean redness of the mouth with and without lipstick, and mean brightness of the crown by hair color.
        var lips = (with: Mean(), without: Mean())
        var hair: [String: Mean] = [:]
        for index in 0..<400 {
            let face = faces.face(index, size: 64)
            let mouth = (face.landmarks[3] + face.landmarks[4]) / 2
            let redness = redness(face.picture, around: mouth, radius: 3)
            if value("Wearing_Lipstick", face) == 1 {
                lips.with.add(redness)
            } else {
                lips.without.add(redness)
            }
            guard value("Wearing_Hat", face) == -1 else { continue }
            let eyes = (face.landmarks[0] + face.landmarks[1]) / 2
            let crown = SIMD2(eyes.x, eyes.y - 0.34 * 64)
            for name in ["Black_Hair", "Brown_Hair", "Blond_Hair", "Gray_Hair"] where value(name, face) == 1 {
                let light = luminances(face.picture, around: crown, radius: 2).reduce(0, +) / 25
                hair[name, default: Mean()].add(light)
            }
        }
        #expect(lips.with.mean > lips.without.mean + 0.02)
        #expect(hair["Black_Hair"]!.mean < 0.7 * hair["Brown_Hair"]!.mean)
        #expect(hair["Brown_Hair"]!.mean < 0.8 * hair["Blond_Hair"]!.mean)
        #expect(hair["Brown_Hair"]!.mean < 0.8 * hair["Gray_Hair"]!.mean)
    }

    // MARK: -

    private struct Mean {
        var sum = 0.0
        var count = 0.0
        var mean: Double { sum / count }
        mutating func add(_ value: Double) { (sum, count) = (sum + value, count + 1) }
    }

    private func value(_ name: String, _ face: BuiltInFace) -> Int8 {
        face.attributes[BuiltInFaces.attributeNames.firstIndex(of: name)!]
    }

    private func colors(_ p: Picture, around center: SIMD2<Float>, radius: Int) -> [SIMD3<Double>] {
        let (x, y) = (Int(center.x), Int(center.y))
        var found: [SIMD3<Double>] = []
        for row in y - radius...y + radius {
            for column in x - radius...x + radius {
                let at = (min(max(row, 0), p.height - 1) * p.width + min(max(column, 0), p.width - 1)) * 3
                found.append([Double(p.pixels[at]), Double(p.pixels[at + 1]), Double(p.pixels[at + 2])])
            }
        }
        return found
    }

    private func luminances(_ p: Picture, around center: SIMD2<Float>, radius: Int) -> [Double] {
        colors(p, around: center, radius: radius).map { 0.299 * $0.x + 0.587 * $0.y + 0.114 * $0.z }
    }

    private func redness(_ p: Picture, around center: SIMD2<Float>, radius: Int) -> Double {
        let all = colors(p, around: center, radius: radius)
        return all.reduce(0) { $0 + ($1.x - $1.y) / ($1.sum() + 1) } / Double(all.count)
    }
}
