import Testing
import Torch

/// Gradients against central differences, in float64, where eight digits are left.
enum Differences {
    private static let step = 1e-6
    private static let tolerance = 1e-6

    /// - Parameter value: a scalar of the leaves as they are when it is called.
    static func expectFirst(
        wrt leaves: [Tensor], _ what: String, _ location: SourceLocation = #_sourceLocation,
        of value: () -> Tensor
    ) {
        let now = value()
        let found = now.requiresGradient ? gradients(of: [now], wrt: leaves) : leaves.map { _ in nil }
        for (leaf, gradient) in zip(leaves, found) {
            let slopes = (gradient ?? Tensor.zeros(like: leaf)).doubles()
            #expect(leaf.dtype == .float64 && now.dtype == .float64, sourceLocation: location)
            let flat = leaf.detached().reshape([-1])
            for index in 0..<flat.count {
                func moved(_ by: Double) -> Double {
                    let place = flat[index]
                    let before = place.item()
                    place.fill_(before + by)
                    defer { place.fill_(before) }
                    return value().item()
                }
                let difference = (moved(step) - moved(-step)) / (2 * step)
                #expect(
                    abs(difference - slopes[index]) < tolerance * max(1, abs(difference)),
                    "\(what): gradient \(slopes[index]), difference \(difference)", sourceLocation: location)
            }
        }
    }

    /// The same for the gradient's own gradient, in one direction.
    static func expectSecond(
        wrt leaves: [Tensor], _ what: String, _ location: SourceLocation = #_sourceLocation,
        of value: () -> Tensor
    ) {
        let random = RandomSource(seed: 17)
        let directions = leaves.map { Tensor.normal($0.shape, random: random).to(.float64) }
        expectFirst(wrt: leaves, "second of " + what, location) {
            let found = gradients(of: [value()], wrt: leaves, createGraph: true)
            let along = zip(found, directions).map { gradient, direction in
                gradient.map { ($0 * direction).sum() } ?? Tensor(0).to(.float64)
            }
            return along.dropFirst().reduce(along[0]) { $0 + $1 }
        }
    }

    /// N(0, 1) in float64.
    static func draw(_ shape: [Int], _ random: RandomSource) -> Tensor {
        Tensor.normal(shape, random: random).to(.float64)
    }
}
