import Foundation
import Torch

/// An affine map of colors (R, G, B) in -1...1.
package struct ColorMap: Equatable {
    /// 3 x 3, row by row.
    package var linear = [1.0, 0, 0, 0, 1, 0, 0, 0, 1]
    package var offset = [0.0, 0, 0]

    /// The identity.
    package init() {}

    init(linear: [Double], offset: [Double] = [0, 0, 0]) { (self.linear, self.offset) = (linear, offset) }

    static func scale(_ factor: Double) -> ColorMap { axis(factor, factor) }

    static func shift(_ amount: Double) -> ColorMap {
        ColorMap(linear: ColorMap().linear, offset: [amount, amount, amount])
    }

    /// Gray (R + G + B) times one factor, what differs from gray times another.
    static func axis(_ gray: Double, _ rest: Double) -> ColorMap {
        let (own, others) = ((gray + 2 * rest) / 3, (gray - rest) / 3)
        return ColorMap(linear: (0..<9).map { $0 % 4 == 0 ? own : others })
    }

    /// Around the axis of grays, from red towards green; radians.
    static func hue(_ radians: Double) -> ColorMap {
        let (c, s) = (cos(radians), sin(radians) / 3.0.squareRoot())
        let (own, next, last) = (c + (1 - c) / 3, (1 - c) / 3 - s, (1 - c) / 3 + s)
        return ColorMap(linear: [own, next, last, last, own, next, next, last, own])
    }

    /// This map, then another.
    func then(_ next: ColorMap) -> ColorMap {
        func row(_ r: Int, times column: (Int) -> Double) -> Double {
            (0..<3).reduce(0) { $0 + next.linear[3 * r + $1] * column($1) }
        }
        return ColorMap(
            linear: (0..<9).map { cell in row(cell / 3) { linear[3 * $0 + cell % 3] } },
            offset: (0..<3).map { r in row(r) { offset[$0] } + next.offset[r] })
    }

    /// Each picture of [N, 3, H, W] through its own map.
    /// - Parameter added: [N, 1, 1] more on every channel.
    package static func apply(_ maps: [ColorMap], to images: Tensor, adding added: Tensor? = nil) -> Tensor {
        let (shape, count) = (images.shape, maps.count)
        require(
            images.isPoisoned || shape.count == 4 && shape[0] == count && shape[1] == 3,
            "colors: expected pictures [\(count), 3, H, W], got \(images.summary)")
        func numbers(_ values: [Double], _ shape: [Int]) -> Tensor {
            Tensor(doubles: values, shape: shape).to(images.device, images.dtype)
        }
        let linear = numbers(maps.flatMap(\.linear), [count, 3, 3])
        let offset = numbers(maps.flatMap(\.offset), [count, 3, 1])
        let flat = images.reshape([count, 3, shape[2] * shape[3]])
        return (linear.matmul(flat) + (added.map { offset + $0 } ?? offset)).reshape(shape)
    }
}
