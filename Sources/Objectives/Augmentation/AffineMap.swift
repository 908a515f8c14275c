import Foundation
import Torch

/// Affine map of the plane, in pixels relative to the center of a picture; x to the right, y down.
package struct AffineMap: Equatable {
    /// x' = xx x + xy y + x0, y' = yx x + yy y + y0.
    package var xx = 1.0, xy = 0.0, x0 = 0.0, yx = 0.0, yy = 1.0, y0 = 0.0

    /// The identity.
    package init() {}

    /// Creates a map from its coefficients.
    package init(xx: Double, xy: Double, x0: Double, yx: Double, yy: Double, y0: Double) {
        (self.xx, self.xy, self.x0, self.yx, self.yy, self.y0) = (xx, xy, x0, yx, yy, y0)
    }

    /// Scaling by a factor per axis.
    package static func scale(_ x: Double, _ y: Double) -> AffineMap {
        AffineMap(xx: x, xy: 0, x0: 0, yx: 0, yy: y, y0: 0)
    }

    /// Translation, in pixels.
    package static func translation(_ x: Double, _ y: Double) -> AffineMap {
        AffineMap(xx: 1, xy: 0, x0: x, yx: 0, yy: 1, y0: y)
    }

    /// Clockwise rotation, in radians.
    package static func rotation(_ radians: Double) -> AffineMap {
        let (c, s) = (cos(radians), sin(radians))
        return AffineMap(xx: c, xy: -s, x0: 0, yx: s, yy: c, y0: 0)
    }

    /// Clockwise quarter turns, without rounding.
    package static func quarterTurns(_ count: Int) -> AffineMap {
        let (c, s) = [(1.0, 0.0), (0, 1), (-1, 0), (0, -1)][count % 4]
        return AffineMap(xx: c, xy: -s, x0: 0, yx: s, yy: c, y0: 0)
    }

    /// This map, followed by another.
    package func then(_ next: AffineMap) -> AffineMap {
        AffineMap(
            xx: next.xx * xx + next.xy * yx, xy: next.xx * xy + next.xy * yy,
            x0: next.xx * x0 + next.xy * y0 + next.x0, yx: next.yx * xx + next.yy * yx,
            yy: next.yx * xy + next.yy * yy, y0: next.yx * x0 + next.yy * y0 + next.y0)
    }

    /// Inverse map. The determinant must not be 0.
    package var inverse: AffineMap {
        let determinant = xx * yy - xy * yx
        let (a, b) = (yy / determinant, -xy / determinant)
        let (c, d) = (-yx / determinant, xx / determinant)
        return AffineMap(xx: a, xy: b, x0: -(a * x0 + b * y0), yx: c, yy: d, y0: -(c * x0 + d * y0))
    }

    /// Coefficients row by row, 2 x 3.
    var coefficients: [Double] { [xx, xy, x0, yx, yy, y0] }
}

/// Affine transformation of colors (R, G, B) in -1...1.
package struct ColorTransform: Equatable {
    /// Linear part, 3 x 3, row by row.
    package var linear = [1.0, 0, 0, 0, 1, 0, 0, 0, 1]
    /// Offset of each channel.
    package var offset = [0.0, 0, 0]

    /// The identity.
    package init() {}

    /// Creates a transformation from its linear part and offset.
    init(linear: [Double], offset: [Double] = [0, 0, 0]) { (self.linear, self.offset) = (linear, offset) }

    /// Multiplication of all channels.
    static func scale(_ factor: Double) -> ColorTransform { axis(factor, factor) }

    /// Addition to all channels.
    static func shift(_ amount: Double) -> ColorTransform {
        ColorTransform(linear: ColorTransform().linear, offset: [amount, amount, amount])
    }

    /// Multiplication of the gray component (R + G + B) / 3 by one factor and of the difference from gray by another.
    static func axis(_ gray: Double, _ rest: Double) -> ColorTransform {
        let (own, others) = ((gray + 2 * rest) / 3, (gray - rest) / 3)
        return ColorTransform(linear: (0..<9).map { $0 % 4 == 0 ? own : others })
    }

    /// Rotation around the gray axis, from red towards green, in radians.
    static func hue(_ radians: Double) -> ColorTransform {
        let (c, s) = (cos(radians), sin(radians) / 3.0.squareRoot())
        let (own, next, last) = (c + (1 - c) / 3, (1 - c) / 3 - s, (1 - c) / 3 + s)
        return ColorTransform(linear: [own, next, last, last, own, next, next, last, own])
    }

    /// This transformation, followed by another.
    func then(_ next: ColorTransform) -> ColorTransform {
        func row(_ r: Int, times column: (Int) -> Double) -> Double {
            (0..<3).reduce(0) { $0 + next.linear[3 * r + $1] * column($1) }
        }
        return ColorTransform(
            linear: (0..<9).map { cell in row(cell / 3) { linear[3 * $0 + cell % 3] } },
            offset: (0..<3).map { r in row(r) { offset[$0] } + next.offset[r] })
    }

    /// Transforms each picture of [N, 3, H, W] by its own map.
    /// - Parameters:
    ///   - maps: transformations of N pictures.
    ///   - images: [N, 3, H, W].
    ///   - added: additional offset [N, 1, 1] of all channels; nil for none.
    /// - Returns: [N, 3, H, W].
    package static func apply(_ maps: [ColorTransform], to images: Tensor, adding added: Tensor? = nil)
        -> Tensor
    {
        let (shape, count) = (images.shape, maps.count)
        require(
            images.isPoisoned || shape.count == 4 && shape[0] == count && shape[1] == 3,
            "ColorTransform: expected pictures [\(count), 3, H, W], got \(images.summary)")
        func numbers(_ values: [Double], _ shape: [Int]) -> Tensor {
            Tensor(doubles: values, shape: shape).to(images.device, images.dtype)
        }
        let linear = numbers(maps.flatMap(\.linear), [count, 3, 3])
        let offset = numbers(maps.flatMap(\.offset), [count, 3, 1])
        let flat = images.reshape([count, 3, shape[2] * shape[3]])
        return (linear.matmul(flat) + (added.map { offset + $0 } ?? offset)).reshape(shape)
    }
}
