import Foundation
import Torch

/// An affine map of colours (R, G, B) in -1...1.
package struct ColourMap: Equatable {
    /// 3 x 3, row by row.
    package var linear = [1.0, 0, 0, 0, 1, 0, 0, 0, 1]
    package var offset = [0.0, 0, 0]

    /// The identity.
    package init() {}

    init(linear: [Double], offset: [Double] = [0, 0, 0]) { (self.linear, self.offset) = (linear, offset) }

    static func scale(_ factor: Double) -> ColourMap { axis(factor, factor) }

    static func shift(_ amount: Double) -> ColourMap {
        ColourMap(linear: ColourMap().linear, offset: [amount, amount, amount])
    }

    /// Grey (R + G + B) times one factor, what differs from grey times another.
    static func axis(_ grey: Double, _ rest: Double) -> ColourMap {
        let (own, others) = ((grey + 2 * rest) / 3, (grey - rest) / 3)
        return ColourMap(linear: (0..<9).map { $0 % 4 == 0 ? own : others })
    }

    /// Around the axis of greys, from red towards green; radians.
    static func hue(_ radians: Double) -> ColourMap {
        let (c, s) = (cos(radians), sin(radians) / 3.0.squareRoot())
        let (own, next, last) = (c + (1 - c) / 3, (1 - c) / 3 - s, (1 - c) / 3 + s)
        return ColourMap(linear: [own, next, last, last, own, next, next, last, own])
    }

    /// This map, then another.
    func then(_ next: ColourMap) -> ColourMap {
        func row(_ r: Int, times column: (Int) -> Double) -> Double {
            (0..<3).reduce(0) { $0 + next.linear[3 * r + $1] * column($1) }
        }
        return ColourMap(
            linear: (0..<9).map { cell in row(cell / 3) { linear[3 * $0 + cell % 3] } },
            offset: (0..<3).map { r in row(r) { offset[$0] } + next.offset[r] })
    }

    /// Each picture of [N, 3, H, W] through its own map.
    /// - Parameter added: [N, 1, 1] more on every channel.
    package static func apply(_ maps: [ColourMap], to images: Tensor, adding added: Tensor? = nil) -> Tensor {
        let (shape, count) = (images.shape, maps.count)
        require(
            images.isPoisoned || shape.count == 4 && shape[0] == count && shape[1] == 3,
            "colours: expected pictures [\(count), 3, H, W], got \(images.summary)")
        func numbers(_ values: [Double], _ shape: [Int]) -> Tensor {
            Tensor(doubles: values, shape: shape).to(images.device, images.dtype)
        }
        let linear = numbers(maps.flatMap(\.linear), [count, 3, 3])
        let offset = numbers(maps.flatMap(\.offset), [count, 3, 1])
        let flat = images.reshape([count, 3, shape[2] * shape[3]])
        return (linear.matmul(flat) + (added.map { offset + $0 } ?? offset)).reshape(shape)
    }
}
