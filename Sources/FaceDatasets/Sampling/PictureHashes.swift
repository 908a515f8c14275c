import Datasets
import Files
import Imaging

extension PictureHashes {
    /// Hashes of a picture of any size.
    package init(_ picture: Picture) {
        pixels = Digest.sha256(picture.pixels)
        difference = Self.difference(of: picture)
        thumbnail = Thumbnail(picture)
    }

    /// 64-bit difference hash (Krawetz 2013): the picture is reduced to 9 x 8 gray pixels, and each is compared with its right
    /// neighbor. The first comparison is the highest bit.
    private static func difference(of picture: Picture) -> UInt64 {
        let small = picture.rgb().resized(width: 9, height: 8, filter: .box)
        func gray(_ x: Int, _ y: Int) -> Int {
            let i = 3 * (9 * y + x)
            return 299 * Int(small.pixels[i]) + 587 * Int(small.pixels[i + 1])
                + 114 * Int(small.pixels[i + 2])
        }
        var hash: UInt64 = 0
        for y in 0..<8 {
            for x in 0..<8 { hash = hash << 1 | (gray(x, y) < gray(x + 1, y) ? 1 : 0) }
        }
        return hash
    }
}

/// Pictures of the data set so far, for the detection of duplicates by pixels and perceptual hash.
package struct HashIndex: Sendable {
    private var pixels: Set<String> = []
    private var differences: [UInt64] = []
    private var thumbnails: [Thumbnail] = []

    package init() {}

    /// Largest number of different bits of near-duplicates.
    package static let radius = 4

    /// Whether a picture with equal pixels is in the index.
    package func containsEqual(_ hashes: PictureHashes) -> Bool { pixels.contains(hashes.pixels) }

    /// Whether a near-duplicate is in the index: few different bits, and thumbnails that agree.
    package func containsNear(_ hashes: PictureHashes) -> Bool {
        let wanted = hashes.difference
        return differences.withUnsafeBufferPointer { all in
            for index in all.indices where (all[index] ^ wanted).nonzeroBitCount <= Self.radius {
                if NearDuplicates.areNear(thumbnails[index], hashes.thumbnail) { return true }
            }
            return false
        }
    }

    package mutating func insert(_ hashes: PictureHashes) {
        pixels.insert(hashes.pixels)
        differences.append(hashes.difference)
        thumbnails.append(hashes.thumbnail)
    }
}
