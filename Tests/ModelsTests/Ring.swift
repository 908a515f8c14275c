import Foundation
import Torch

/// Eight Gaussians on a circle, the plane's test of whether a generator covers all that there is
/// (Gulrajani et al. 2017, section 5; Metz et al. 2017, section 3.1).
enum Ring {
    static let modes = 8
    static let radius = 2.0
    static let deviation = 0.05

    static let centers: [(x: Double, y: Double)] = (0..<modes).map {
        let angle = 2 * Double.pi * Double($0) / Double(modes)
        return (radius * cos(angle), radius * sin(angle))
    }

    /// [count, 2].
    static func sample(_ count: Int, random: RandomSource) -> Tensor {
        let chosen = Tensor.uniform([count], random: random).floats().map {
            centers[min(modes - 1, Int($0 * Float(modes)))]
        }
        let means = Tensor(chosen.flatMap { [Float($0.x), Float($0.y)] }, shape: [count, 2])
        return means + Tensor.normal([count, 2], random: random) * deviation
    }

    /// What points [N, 2] have of the ring.
    struct Coverage: Equatable {
        /// Modes that have at least a quarter of their fair share of all points within four deviations.
        let modes: Int
        /// Share of the points within four deviations of some mode.
        let good: Double

        init(_ points: Tensor) {
            let values = points.floats().map(Double.init)
            let count = values.count / 2
            var near = [Int](repeating: 0, count: Ring.modes)
            for row in 0..<count {
                let mode = Ring.centers.firstIndex {
                    hypot(values[2 * row] - $0.x, values[2 * row + 1] - $0.y) < 4 * Ring.deviation
                }
                if let mode { near[mode] += 1 }
            }
            modes = near.count { Double($0) >= 0.25 * Double(count) / Double(Ring.modes) }
            good = Double(near.reduce(0, +)) / Double(count)
        }
    }
}
