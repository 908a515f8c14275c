import Imaging

/// Random changes to a sample that leave a face a face. Amounts are maxima; 0 switches a change off.
///
/// What a sample gets depends on (seed, position) alone, and every kind of change draws from a stream of its own, so that
/// switching one on does not change the others.
public struct Augmentation: Sendable, Equatable {
    /// The probability of mirroring, 0...1.
    public var flip: Float
    /// The largest part of the width that is cut away, 0..<1: a random square of the rest fills the sample.
    public var crop: Float
    /// The largest turn to either side, in degrees; corners are filled by reflection.
    public var rotationDegrees: Float
    /// Brightness is multiplied by 1 ± this.
    public var brightness: Float
    /// Distance from middle gray is multiplied by 1 ± this.
    public var contrast: Float
    /// Distance from the pixel's own gray is multiplied by 1 ± this.
    public var saturation: Float
    /// The largest turn of the hue to either side, in degrees.
    public var hueDegrees: Float

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

    /// Nothing is changed.
    public static let none = Augmentation()
    /// Every second sample is mirrored.
    public static let flips = Augmentation(flip: 0.5)
    /// A little of everything, for data sets of a few thousand faces.
    public static let full = Augmentation(
        flip: 0.5, crop: 0.12, rotationDegrees: 10, brightness: 0.2, contrast: 0.2, saturation: 0.25,
        hueDegrees: 8)

    /// A changed copy of a picture with three channels.
    /// - Parameter position: the sample's place in the walk over the data.
    public func apply(to picture: Picture, seed: UInt64, position: Int) -> Picture {
        precondition(
            picture.channels == 3 && picture.width == picture.height,
            "Augmentation: expected a square RGB picture, got \(picture.width)x\(picture.height)x\(picture.channels)"
        )
        let pixels = [UInt8](unsafeUninitializedCapacity: picture.pixels.count) { buffer, initialized in
            picture.pixels.withUnsafeBytes {
                apply(from: $0, to: buffer, size: picture.width, seed: seed, position: position)
            }
            initialized = buffer.count
        }
        return Picture(width: picture.width, height: picture.height, channels: 3, pixels: pixels)
    }

    /// Writes the changed sample to `target`. Both are [size, size, 3].
    func apply(
        from source: UnsafeRawBufferPointer, to target: UnsafeMutableBufferPointer<UInt8>, size: Int,
        seed: UInt64,
        position: Int
    ) {
        let isFlipped = flip > 0 && random(.flip, seed, position) { $0.chance(flip) }
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
        let angle = random(.rotation, seed, position) { $0.uniform(in: -rotationDegrees...rotationDegrees) }
        return random(.crop, seed, position) { random in
            let zoom = 1 - crop * random.uniform()
            let room = (1 - zoom) * Float(size) / 2
            return Warp(
                zoom: zoom, angle: angle * .pi / 180, isFlipped: isFlipped,
                shiftX: room * random.uniform(in: -1...1), shiftY: room * random.uniform(in: -1...1))
        }
    }

    private func colors(seed: UInt64, position: Int) -> ColorMatrix {
        func factor(_ stream: Stream, _ amount: Float) -> Float {
            1 + random(stream, seed, position) { $0.uniform(in: -amount...amount) }
        }
        var matrix = ColorMatrix()
        matrix.scale(by: factor(.brightness, brightness), around: 0)
        matrix.scale(by: factor(.contrast, contrast), around: 127.5)
        matrix.turnHue(
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
            // Four bytes at a time: the fourth is another pixel's, and the next store replaces it.
            for _ in 1..<(size - 1) {
                from -= 3
                to += 3
                to.storeBytes(of: from.loadUnaligned(as: UInt32.self), as: UInt32.self)
            }
            (to + 3).copyMemory(from: from - 3, byteCount: 3)
        }
    }
}
