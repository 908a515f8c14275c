import Foundation
import Imaging

/// Random transformations of a training sample. Amounts are maxima; 0 disables a transformation.
///
/// The result depends only on the picture, the seed and the position. Each kind of transformation draws from its own
/// random stream, so enabling one does not change the others.
public struct Augmentation: Sendable, Equatable {
    /// Probability of mirroring, 0...1.
    public var flip: Float
    /// The largest fraction of the width that is cropped away, 0..<1. A random square of the remaining size is
    /// enlarged to the sample.
    public var crop: Float
    /// The largest rotation in either direction, in degrees. Corners are filled by reflection.
    public var rotationDegrees: Float
    /// Maximum relative change of brightness: values are multiplied by 1 ± this.
    public var brightness: Float
    /// Maximum relative change of contrast: the distance from middle gray is multiplied by 1 ± this.
    public var contrast: Float
    /// Maximum relative change of saturation: the distance from the pixel's gray is multiplied by 1 ± this.
    public var saturation: Float
    /// The largest rotation of the hue in either direction, in degrees.
    public var hueDegrees: Float

    /// Creates an augmentation. The default of every amount is 0.
    public init(
        flip: Float = 0, crop: Float = 0, rotationDegrees: Float = 0, brightness: Float = 0,
        contrast: Float = 0,
        saturation: Float = 0, hueDegrees: Float = 0
    ) {
        precondition((0...1).contains(flip), "Augmentation.flip: expected 0...1, got \(flip)")
        precondition((0..<1).contains(crop), "Augmentation.crop: expected 0..<1, got \(crop)")
        self.flip = flip
        self.crop = crop
        self.rotationDegrees = rotationDegrees
        self.brightness = brightness
        self.contrast = contrast
        self.saturation = saturation
        self.hueDegrees = hueDegrees
    }

    /// No transformation.
    public static let none = Augmentation()
    /// Mirroring with probability 0.5.
    public static let flips = Augmentation(flip: 0.5)
    /// All transformations in moderate amounts, for data sets of a few thousand faces.
    public static let full = Augmentation(
        flip: 0.5, crop: 0.12, rotationDegrees: 10, brightness: 0.2, contrast: 0.2, saturation: 0.25,
        hueDegrees: 8)

    /// Returns an augmented copy of a square picture with three channels.
    /// - Parameters:
    ///   - picture: a square RGB picture.
    ///   - seed: seed of the random streams.
    ///   - position: number of the sample in the sequence of the loader.
    public func apply(to picture: Picture, seed: UInt64, position: Int) -> Picture {
        precondition(
            picture.channels == 3 && picture.width == picture.height,
            "Augmentation: expected a square RGB picture, got "
                + "\(picture.width)x\(picture.height)x\(picture.channels)"
        )
        let pixels = [UInt8](unsafeUninitializedCapacity: picture.pixels.count) { buffer, initialized in
            picture.pixels.withUnsafeBytes {
                apply(from: $0, to: buffer, size: picture.width, seed: seed, position: position)
            }
            initialized = buffer.count
        }
        return Picture(width: picture.width, height: picture.height, channels: 3, pixels: pixels)
    }

    /// Whether mirroring is the only transformation.
    public var onlyMirrors: Bool { self == Augmentation(flip: flip) }

    /// Whether the sample at a position is mirrored.
    func isMirrored(seed: UInt64, position: Int) -> Bool {
        flip > 0 && random(.flip, seed, position) { $0.chance(flip) }
    }

    /// Writes the augmented sample to `target`. Both buffers are [size, size, 3].
    func apply(
        from source: UnsafeRawBufferPointer, to target: UnsafeMutableBufferPointer<UInt8>, size: Int,
        seed: UInt64,
        position: Int
    ) {
        let isFlipped = isMirrored(seed: seed, position: position)
        if crop > 0 || rotationDegrees > 0 {
            let warp = warp(size: size, isFlipped: isFlipped, seed: seed, position: position)
            warp.apply(from: source, to: target, size: size)
        } else if isFlipped {
            mirror(from: source, to: target, size: size)
        } else {
            UnsafeMutableRawBufferPointer(target).copyMemory(from: source)
        }
        if brightness > 0 || contrast > 0 || saturation > 0 || hueDegrees > 0 {
            colors(seed: seed, position: position).apply(to: target)
        }
    }

    private enum Stream: UInt64 {
        case flip = 0xA001
        case crop, rotation, brightness, contrast, saturation, hue
    }

    private func random<R>(
        _ stream: Stream, _ seed: UInt64, _ position: Int, _ body: (inout RandomStream) -> R
    ) -> R {
        var random = RandomStream(seed: seed, stream: stream.rawValue, index: UInt64(position))
        return body(&random)
    }

    private func warp(size: Int, isFlipped: Bool, seed: UInt64, position: Int) -> Warp {
        /// Rotation in radians, counter-clockwise.
        let angle = random(.rotation, seed, position) { $0.uniform(in: -rotationDegrees...rotationDegrees) }
        return random(.crop, seed, position) { random in
            /// Side of the source region relative to the side of the sample; values below 1 enlarge.
            let zoom = 1 - crop * random.uniform()
            let margin = (1 - zoom) * Float(size) / 2
            return Warp(
                zoom: zoom, angle: angle * .pi / 180, isFlipped: isFlipped,
                shiftX: margin * random.uniform(in: -1...1), shiftY: margin * random.uniform(in: -1...1))
        }
    }

    /// Level that a change of contrast keeps.
    private static let middleGray: Float = 127.5

    private func colors(seed: UInt64, position: Int) -> ColorMatrix {
        func factor(_ stream: Stream, _ amount: Float) -> Float {
            1 + random(stream, seed, position) { $0.uniform(in: -amount...amount) }
        }
        var matrix = ColorMatrix()
        matrix.scale(by: factor(.brightness, brightness), around: 0)
        matrix.scale(by: factor(.contrast, contrast), around: Self.middleGray)
        matrix.rotateHue(
            by: random(.hue, seed, position) { $0.uniform(in: -hueDegrees...hueDegrees) } * .pi / 180)
        matrix.saturate(by: factor(.saturation, saturation))
        return matrix
    }

    private func mirror(
        from source: UnsafeRawBufferPointer, to target: UnsafeMutableBufferPointer<UInt8>, size: Int
    ) {
        let row = size * 3
        guard size > 0, let source = source.baseAddress,
            let target = UnsafeMutableRawPointer(target.baseAddress)
        else {
            return
        }
        for y in 0..<size {
            var from = source + y * row + row - 3
            var to = target + y * row
            to.copyMemory(from: from, byteCount: 3)
            guard size > 1 else { continue }
            // Stores four bytes at a time. The fourth belongs to the next pixel and is overwritten by the next store.
            for _ in 1..<(size - 1) {
                from -= 3
                to += 3
                to.storeBytes(of: from.loadUnaligned(as: UInt32.self), as: UInt32.self)
            }
            (to + 3).copyMemory(from: from - 3, byteCount: 3)
        }
    }
}

/// An affine transformation of RGB values in 0...255.
package struct ColorMatrix {
    /// Three rows with the coefficients of r, g, b and a constant.
    private var rows: [SIMD4<Float>] = [SIMD4(1, 0, 0, 0), SIMD4(0, 1, 0, 0), SIMD4(0, 0, 1, 0)]

    /// Creates the identity.
    package init() {}

    /// Weights of the luma of ITU-R BT.601.
    private static let luma = SIMD3<Float>(0.299, 0.587, 0.114)

    /// Multiplies the distance of each channel from `middle` by a factor.
    package mutating func scale(by factor: Float, around middle: Float) {
        guard factor != 1 else { return }
        for i in 0..<3 {
            rows[i] *= factor
            rows[i].w += middle * (1 - factor)
        }
    }

    /// Multiplies the distance from gray by a factor.
    package mutating func saturate(by factor: Float) {
        guard factor != 1 else { return }
        var linear = [SIMD3<Float>](repeating: ColorMatrix.luma * (1 - factor), count: 3)
        for i in 0..<3 { linear[i][i] += factor }
        apply(linear)
    }

    /// Rotates colors around the gray axis (Rodrigues' formula).
    package mutating func rotateHue(by radians: Float) {
        guard radians != 0 else { return }
        let cosine = cos(radians)
        let along = (1 - cosine) / 3
        let across = sin(radians) / Float(3).squareRoot()
        apply([
            SIMD3(cosine + along, along - across, along + across),
            SIMD3(along + across, cosine + along, along - across),
            SIMD3(along - across, along + across, cosine + along),
        ])
    }

    /// Resamples `source` to `target`. Both buffers are [size, size, 3].
    package func apply(to pixels: UnsafeMutableBufferPointer<UInt8>) {
        guard var pixel = pixels.baseAddress else { return }
        // Fixed point with 16 fraction bits. The constant includes the rounding. Factors up to 100 do not overflow.
        func fixed(_ value: Float) -> Int { Int((value * 65_536).rounded()) }
        let m = rows.map { row in (fixed(row.x), fixed(row.y), fixed(row.z), fixed(row.w) + 32_768) }
        let (m0, m1, m2) = (m[0], m[1], m[2])
        for _ in 0..<(pixels.count / 3) {
            let (r, g, b) = (Int(pixel[0]), Int(pixel[1]), Int(pixel[2]))
            pixel[0] = ColorMatrix.level(m0.0 &* r &+ m0.1 &* g &+ m0.2 &* b &+ m0.3)
            pixel[1] = ColorMatrix.level(m1.0 &* r &+ m1.1 &* g &+ m1.2 &* b &+ m1.3)
            pixel[2] = ColorMatrix.level(m2.0 &* r &+ m2.1 &* g &+ m2.2 &* b &+ m2.3)
            pixel += 3
        }
    }

    private static func level(_ fixed: Int) -> UInt8 {
        UInt8(truncatingIfNeeded: min(max(fixed >> 16, 0), 255))
    }

    private mutating func apply(_ linear: [SIMD3<Float>]) {
        let old = rows
        for i in 0..<3 { rows[i] = old[0] * linear[i].x + old[1] * linear[i].y + old[2] * linear[i].z }
    }
}

/// Rotation, zoom and translation in one bilinear resampling. Pixels outside the picture are filled by reflection.
package struct Warp {
    /// Side of the shown part over side of the sample: below 1 enlarges.
    let zoom: Float
    /// Radians, counter-clockwise.
    let angle: Float
    let isFlipped: Bool
    /// Offset of the center of the source region from the center of the sample, in pixels.
    let shiftX: Float
    let shiftY: Float

    /// Creates a warp.
    package init(zoom: Float, angle: Float, isFlipped: Bool, shiftX: Float, shiftY: Float) {
        self.zoom = zoom
        self.angle = angle
        self.isFlipped = isFlipped
        self.shiftX = shiftX
        self.shiftY = shiftY
    }

    /// Both buffers are [size, size, 3].
    package func apply(
        from source: UnsafeRawBufferPointer, to target: UnsafeMutableBufferPointer<UInt8>, size: Int
    ) {
        precondition(
            source.count >= size * size * 3 && target.count >= size * size * 3 && size < 1 << 14,
            "Warp: expected buffers of at least \(size)x\(size)x3 bytes and a size below 16384")
        guard size > 0, let source = source.baseAddress, var out = target.baseAddress else { return }
        let middle = Float(size) / 2
        let cosine = cos(angle) * zoom
        let sine = sin(angle) * zoom
        let sign: Float = isFlipped ? -1 : 1
        // Fixed-point coordinates with 16 fraction bits. Pixel centers have half-integer coordinates.
        let stepX = Int((cosine * sign * 65_536).rounded())
        let stepY = Int((sine * sign * 65_536).rounded())
        let first = (0.5 - middle) * sign
        for y in 0..<size {
            let dy = Float(y) + 0.5 - middle
            var sx = Int(((middle + shiftX + cosine * first - sine * dy - 0.5) * 65_536).rounded())
            var sy = Int(((middle + shiftY + sine * first + cosine * dy - 0.5) * 65_536).rounded())
            for _ in 0..<size {
                let (left, top) = (sx >> 16, sy >> 16)
                let u = Int32(truncatingIfNeeded: sx >> 8 & 255)
                let v = Int32(truncatingIfNeeded: sy >> 8 & 255)
                sx &+= stepX
                sy &+= stepY
                var (x0, x1, y0, y1) = (left, left &+ 1, top, top &+ 1)
                if left < 0 || top < 0 || x1 >= size || y1 >= size {
                    x0 = reflect(x0, size)
                    x1 = reflect(x1, size)
                    y0 = reflect(y0, size)
                    y1 = reflect(y1, size)
                }
                let upperRow = source + y0 &* size &* 3
                let lowerRow = source + y1 &* size &* 3
                let (near, far) = (x0 &* 3, x1 &* 3)
                for channel in 0..<3 {
                    let a = Int32(upperRow.load(fromByteOffset: near &+ channel, as: UInt8.self))
                    let b = Int32(upperRow.load(fromByteOffset: far &+ channel, as: UInt8.self))
                    let c = Int32(lowerRow.load(fromByteOffset: near &+ channel, as: UInt8.self))
                    let d = Int32(lowerRow.load(fromByteOffset: far &+ channel, as: UInt8.self))
                    let upper = (a << 8) &+ (b &- a) &* u
                    let lower = (c << 8) &+ (d &- c) &* u
                    let mixed = (upper << 8) &+ (lower &- upper) &* v
                    out[channel] = UInt8(truncatingIfNeeded: (mixed &+ 0x8000) >> 16)
                }
                out += 3
            }
        }
    }

    /// Reflects an index at the borders: …2 1 0 | 0 1 2 … n-1 | n-1 n-2 …
    private func reflect(_ index: Int, _ size: Int) -> Int {
        if index >= 0, index < size { return index }
        let folded = ((index % (2 * size)) + 2 * size) % (2 * size)
        return folded < size ? folded : 2 * size - 1 - folded
    }
}
