import Torch
import TorchNN

/// Exponential moving average (EMA) of the weights of a network.
///
/// Running statistics are averaged too, to match the averaged weights. Counters and the singular vectors of spectral
/// normalization are copied, because a mean of unit vectors has a norm below 1.
public final class ExponentialAverage {
    private let pairs: [(average: Tensor, source: Tensor)]
    private let copies: [(average: Tensor, source: Tensor)]

    /// Creates an average with the weights of `source`.
    /// - Parameters:
    ///   - network: a second network of the same shape, for the averaged weights. It moves to the device of `source`.
    ///   - source: the trained network.
    public init(_ network: Module, following source: Module) {
        let mismatch = network.mismatch(with: source.state)
        precondition(mismatch.isEmpty, "ExponentialAverage: expected networks of the same shape; \(mismatch)")
        network.move(to: source.device, format: .channelsLast)
        network.train(false)
        var (pairs, copies): ([(average: Tensor, source: Tensor)], [(average: Tensor, source: Tensor)]) = (
            [], []
        )
        for ((key, average), (_, source)) in zip(network.state, source.state) {
            let isSingularVector = key.hasSuffix("weight_u") || key.hasSuffix("weight_v")
            if average.dtype.isFloatingPoint, !isSingularVector {
                pairs.append((average, source))
            } else {
                copies.append((average, source))
            }
        }
        (self.pairs, self.copies) = (pairs, copies)
        withoutGradients { for (average, source) in pairs + copies { average.copy_(source) } }
    }

    /// Creates an average, or nil for a recipe without one.
    convenience init?(_ network: Module?, following source: Module) {
        guard let network else { return nil }
        self.init(network, following: source)
    }

    /// Updates the average with a number.
    public func update(decay: Double) { update(decay: .number(decay)) }

    /// Updates the average: average = decay * average + (1 - decay) * source.
    /// - Parameter decay: 0...1.
    public func update(decay: Factor) {
        withoutGradients {
            foreachLerp_(pairs.map(\.average), towards: pairs.map(\.source), weight: decay.complement)
            for (average, source) in copies { average.copy_(source) }
        }
    }
}
