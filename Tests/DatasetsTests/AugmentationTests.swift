import Datasets
import Files
import Imaging
import TestSupport
import Testing

struct AugmentationTests {
    private let picture = Fixtures.picture(8, width: 32, height: 32)

    @Test func noneChangesNothing() {
        for position in 0..<10 {
            #expect(Augmentation.none.apply(to: picture, seed: 1, position: position) == picture)
        }
    }

    @Test func halfOfTheSamplesAreMirrored() {
        let mirrored = picture.flippedHorizontally()
        var count = 0
        for position in 0..<2000 {
            let sample = Augmentation.flips.apply(to: picture, seed: 1, position: position)
            #expect(sample == picture || sample == mirrored)
            if sample == mirrored { count += 1 }
        }
        #expect(abs(count - 1000) < 135)
        #expect(Augmentation(flip: 1).apply(to: picture, seed: 3, position: 9) == mirrored)
    }

    @Test(arguments: [1, 2, 3, 5, 64]) func mirrorsEverySize(size: Int) {
        let picture = Fixtures.picture(size, width: size, height: size)
        #expect(
            Augmentation(flip: 1).apply(to: picture, seed: 0, position: 0) == picture.flippedHorizontally())
    }

    @Test func dependsOnlyOnSeedAndPosition() {
        let full = Augmentation.full
        let one = full.apply(to: picture, seed: 1, position: 5)
        #expect(one == full.apply(to: picture, seed: 1, position: 5))
        #expect(one != full.apply(to: picture, seed: 1, position: 6))
        #expect(one != full.apply(to: picture, seed: 2, position: 5))
    }

    @Test func transformationsAreIndependent() {
        // Mirroring does not depend on color changes.
        let gray = Picture(
            width: 32, height: 32, channels: 1,
            pixels: picture.pixels.indices.filter { $0 % 3 == 0 }.map { picture.pixels[$0] })
        let plain = Augmentation.flips
        var colored = Augmentation.flips
        colored.hueDegrees = 40
        for position in 0..<50 {
            // Hue rotation does not change grays.
            let a = plain.apply(to: gray.rgb(), seed: 1, position: position)
            let b = colored.apply(to: gray.rgb(), seed: 1, position: position)
            #expect(zip(a.pixels, b.pixels).allSatisfy { abs(Int($0) - Int($1)) <= 1 })
        }
    }

    @Test func amountsAreBounded() {
        let flat = Picture(width: 16, height: 16, channels: 3, filledWith: 100)
        let bright = Augmentation(brightness: 0.2)
        var levels: Set<UInt8> = []
        for position in 0..<300 {
            let level = bright.apply(to: flat, seed: 0, position: position).pixels[0]
            #expect((80...120).contains(level))
            levels.insert(level)
        }
        #expect(levels.count > 30)
        #expect(levels.min() ?? 255 < 84 && levels.max() ?? 0 > 116)
    }

    @Test func warpsEqualTheReference() throws {
        let golden = try SafetensorsFile(path: goldens("Datasets/augmentations.safetensors"))
        let source = try golden.bytes(#require(golden["picture"]))
        let expected = try golden.bytes(#require(golden["warped"]))
        let numbers = try floats(golden, "warps")
        for i in 0..<5 {
            let n = Array(numbers[(5 * i)..<(5 * i + 5)])
            let warp = Warp(zoom: n[0], angle: n[1], isFlipped: n[2] == 1, shiftX: n[3], shiftY: n[4])
            var got = [UInt8](repeating: 0, count: source.count)
            source.withUnsafeBytes { source in
                got.withUnsafeMutableBufferPointer { warp.apply(from: source, to: $0, size: 48) }
            }
            let differences = zip(got, expected[(i * got.count)...]).map { abs(Int($0) - Int($1)) }
            #expect(differences.max() ?? 255 <= 2, "warp \(i)")
        }
    }

    @Test func colorsEqualTheReference() throws {
        let golden = try SafetensorsFile(path: goldens("Datasets/augmentations.safetensors"))
        let source = try golden.bytes(#require(golden["picture"]))
        let expected = try golden.bytes(#require(golden["changed"]))
        let numbers = try floats(golden, "changes")
        for i in 0..<5 {
            var matrix = ColorMatrix()
            matrix.scale(by: numbers[4 * i], around: 0)
            matrix.scale(by: numbers[4 * i + 1], around: 127.5)
            matrix.rotateHue(by: numbers[4 * i + 2])
            matrix.saturate(by: numbers[4 * i + 3])
            var got = source
            got.withUnsafeMutableBufferPointer { matrix.apply(to: $0) }
            let differences = zip(got, expected[(i * got.count)...]).map { abs(Int($0) - Int($1)) }
            #expect(differences.max() ?? 255 <= 1, "change \(i)")
        }
    }

    private func floats(_ file: SafetensorsFile, _ name: String) throws -> [Float] {
        try file.file.withBytes(#require(file[name]).range) { bytes in
            (0..<(bytes.count / 4)).map {
                Float(
                    bitPattern: UInt32(
                        littleEndian: bytes.loadUnaligned(fromByteOffset: 4 * $0, as: UInt32.self)))
            }
        }
    }
}
