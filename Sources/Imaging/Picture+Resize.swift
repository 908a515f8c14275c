import CCodecs
import Foundation
import Synchronization

extension Picture {
    /// Returns the picture at another size, antialiased. For RGB and gray, the result equals Pillow's `resize` (8-bit
    /// fixed point).
    public func resized(width: Int, height: Int, filter: ResizeFilter = .lanczos) -> Picture {
        resized(
            fromLeft: 0, top: 0, right: Double(self.width), bottom: Double(self.height), width: width,
            height: height, filter: filter)
    }

    /// Returns a part of the picture at another size. The filter does not use pixels outside `box`, as after a crop.
    ///
    /// - Parameters:
    ///   - box: the part, which must be inside the picture.
    ///   - width: width of the result in pixels.
    ///   - height: height of the result in pixels.
    ///   - filter: kernel of the resampling.
    public func resized(
        from box: PictureBox, width: Int, height: Int, filter: ResizeFilter = .lanczos
    ) -> Picture {
        precondition(
            box.fits(width: self.width, height: self.height),
            "Picture.resized: expected a box inside \(self.width)x\(self.height), got \(box)")
        if channels == 4 {
            return multipliedByAlpha().resizedWithoutAlpha(from: box, width, height, filter).dividedByAlpha()
        }
        return resizedWithoutAlpha(from: box, width, height, filter)
    }

    /// Returns a part of the picture, with fractional bounds in pixels, at another size. The filter uses pixels around
    /// the part.
    ///
    /// The four edges must be inside the picture.
    public func resized(
        fromLeft left: Double, top: Double, right: Double, bottom: Double, width: Int, height: Int,
        filter: ResizeFilter = .lanczos
    ) -> Picture {
        precondition(
            left >= 0 && top >= 0 && right > left && bottom > top && right <= Double(self.width)
                && bottom <= Double(self.height),
            "Picture.resized: expected edges inside \(self.width)x\(self.height)")
        let whole = PictureBox(x: 0, y: 0, width: self.width, height: self.height)
        let edges = (left, top, right, bottom)
        if channels == 4 {
            return multipliedByAlpha().resizedWithoutAlpha(from: whole, edges, width, height, filter)
                .dividedByAlpha()
        }
        return resizedWithoutAlpha(from: whole, edges, width, height, filter)
    }

    private func resizedWithoutAlpha(
        from box: PictureBox, _ width: Int, _ height: Int, _ filter: ResizeFilter
    ) -> Picture {
        resizedWithoutAlpha(from: box, (0, 0, Double(box.width), Double(box.height)), width, height, filter)
    }

    private func resizedWithoutAlpha(
        from box: PictureBox, _ edges: (Double, Double, Double, Double), _ width: Int, _ height: Int,
        _ filter: ResizeFilter
    ) -> Picture {
        precondition(
            width > 0 && height > 0,
            "Picture.resized: expected a size of at least 1x1, got \(width)x\(height)")
        let columns = ResizePlan.plan(filter, size: box.width, from: edges.0, to: edges.2, outSize: width)
        let rows = ResizePlan.plan(filter, size: box.height, from: edges.1, to: edges.3, outSize: height)
        return Picture(width: width, height: height, channels: channels) { out in
            pixels.withUnsafeBufferPointer { source in
                let stride = self.width * channels
                let start = source.baseAddress.unsafelyUnwrapped + box.y * stride + box.x * channels
                let done = ccodecs_resize(
                    start, stride, Int32(channels), columns.handle, rows.handle, out.baseAddress)
                precondition(done, "Picture.resized: not enough memory for \(width)x\(height)")
            }
        }
    }

    /// Premultiplies the color by alpha, so that the color of transparent pixels does not affect visible ones.
    func multipliedByAlpha() -> Picture {
        var result = self
        result.pixels.withUnsafeMutableBufferPointer { p in
            for i in stride(from: 0, to: p.count, by: 4) {
                let alpha = Int(p[i + 3])
                for c in 0..<3 { p[i + c] = UInt8((Int(p[i + c]) * alpha + 127) / 255) }
            }
        }
        return result
    }

    /// Undoes `multipliedByAlpha`.
    func dividedByAlpha() -> Picture {
        var result = self
        result.pixels.withUnsafeMutableBufferPointer { p in
            for i in stride(from: 0, to: p.count, by: 4) where p[i + 3] != 0 {
                let alpha = Int(p[i + 3])
                for c in 0..<3 { p[i + c] = UInt8(min(255, (Int(p[i + c]) * 255 + alpha / 2) / alpha)) }
            }
        }
        return result
    }
}

/// Kernel of antialiased resampling.
public enum ResizeFilter: String, Sendable, CaseIterable, Codable {
    /// Sinc windowed by a wider sinc, 3 lobes: the sharpest kernel.
    case lanczos
    /// Average.
    case box
    /// Triangle.
    case bilinear
    /// Cubic convolution (Keys) with a = -0.5.
    case bicubic

    var code: Int32 {
        switch self {
        case .box: Int32(CODECS_FILTER_BOX)
        case .bilinear: Int32(CODECS_FILTER_BILINEAR)
        case .bicubic: Int32(CODECS_FILTER_BICUBIC)
        case .lanczos: Int32(CODECS_FILTER_LANCZOS)
        }
    }
}

/// Lookup table of a resize filter for positions that are not on a grid.
struct ResizeKernel: Sendable {
    /// Radius in pixels of the coarser grid.
    let reach: Float
    private let values: [Float]
    private static let steps = 512

    init(_ filter: ResizeFilter) {
        let reach =
            switch filter {
            case .box: 0.5
            case .bilinear: 1.0
            case .bicubic: 2.0
            case .lanczos: 3.0
            }
        self.reach = Float(reach)
        // Two additional entries for the interpolation at the end.
        values = (0...Int(reach * Double(Self.steps)) + 2).map { index in
            let x = Double(index) / Double(Self.steps)
            return x > reach ? 0 : Float(Self.value(filter, x))
        }
    }

    /// Weight at a distance, interpolated linearly between entries of the table.
    @inline(__always)
    func callAsFunction(_ distance: Float, _ table: UnsafeBufferPointer<Float>) -> Float {
        let x = distance.magnitude
        guard x <= reach else { return 0 }
        let position = x * Float(Self.steps)
        let index = Int(position)
        return table[index] + (table[index + 1] - table[index]) * (position - Float(index))
    }

    func withTable<R>(_ body: (UnsafeBufferPointer<Float>) -> R) -> R {
        values.withUnsafeBufferPointer(body)
    }

    private static func value(_ filter: ResizeFilter, _ x: Double) -> Double {
        func sinc(_ x: Double) -> Double {
            // Exactly 0 at integers, so that the identity transform does not change a picture.
            x == 0 ? 1 : x == x.rounded() ? 0 : sin(.pi * x) / (.pi * x)
        }
        switch filter {
        case .box: return 1
        case .bilinear: return 1 - x
        case .bicubic: return x < 1 ? (1.5 * x - 2.5) * x * x + 1 : ((-0.5 * x + 2.5) * x - 4) * x + 2
        case .lanczos: return sinc(x) * sinc(x / 3)
        }
    }
}

/// Weights of one axis of a resize. Recent plans are cached, because creating a plan takes longer than using it once.
final class ResizePlan: Sendable {
    private struct Key: Equatable {
        let filter: ResizeFilter
        let size: Int
        let from: Double
        let to: Double
        let outSize: Int
    }

    /// Recent plans, the most recent last. A data set typically needs two or three.
    private static let recent = Mutex<[(key: Key, plan: ResizePlan)]>([])
    private static let kept = 8
    /// Larger plans are not cached.
    private static let largestKept = 4096

    /// Immutable after `init`.
    nonisolated(unsafe) let handle: OpaquePointer

    private init(_ key: Key) {
        guard
            let handle = ccodecs_resize_plan(
                key.filter.code, Int32(key.size), key.from, key.to, Int32(key.outSize))
        else { preconditionFailure("Picture.resized: not enough memory for \(key.outSize) pixels") }
        self.handle = handle
    }

    deinit { ccodecs_resize_plan_free(handle) }

    /// Returns the plan that resamples `from`..<`to` of `size` pixels to `outSize` pixels.
    static func plan(
        _ filter: ResizeFilter, size: Int, from: Double, to: Double, outSize: Int
    ) -> ResizePlan {
        let key = Key(filter: filter, size: size, from: from, to: to, outSize: outSize)
        if let known = recent.withLock({ $0.last { $0.key == key }?.plan }) { return known }
        let plan = ResizePlan(key)
        if max(size, outSize) <= largestKept {
            recent.withLock {
                if $0.count >= kept { $0.removeFirst() }
                $0.append((key, plan))
            }
        }
        return plan
    }
}
