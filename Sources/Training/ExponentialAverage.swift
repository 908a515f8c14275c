import Torch
import TorchNN

/// Weights that follow another network's as a moving average.
///
/// Running statistics are averaged too, so that they belong to the averaged weights. Counters are copied, and so are the
/// singular vectors of spectral norms: the mean of unit vectors that turn is shorter than 1.
public final class ExponentialAverage {
    private let pairs: [(average: Tensor, source: Tensor)]
    private let copies: [(average: Tensor, source: Tensor)]

    /// - Parameters:
    ///   - network: another instance of the same shape; takes the place and the values of `source`.
    public init(_ network: Module, following source: Module) {
        let mismatch = network.mismatch(with: source.state)
        precondition(mismatch.isEmpty, "ExponentialAverage: expected two of the same shape; \(mismatch)")
        network.move(to: source.device, format: .channelsLast)
        network.train(false)
        var (pairs, copies): ([(average: Tensor, source: Tensor)], [(average: Tensor, source: Tensor)]) = (
            [], []
        )
        for ((key, average), (_, source)) in zip(network.state, source.state) {
            let turns = key.hasSuffix("weight_u") || key.hasSuffix("weight_v")
            if average.dtype.isFloatingPoint, !turns {
                pairs.append((average, source))
            } else {
                copies.append((average, source))
            }
        }
        (self.pairs, self.copies) = (pairs, copies)
        withoutGradients { for (average, source) in pairs + copies { average.copy_(source) } }
    }

    /// Nil for a recipe that keeps no average.
    convenience init?(_ network: Module?, following source: Module) {
        guard let network else { return nil }
        self.init(network, following: source)
    }

    /// average = decay * average + (1 - decay) * source.
    public func update(decay: Double) {
        withoutGradients {
            foreachLerp_(pairs.map(\.average), towards: pairs.map(\.source), weight: 1 - decay)
            for (average, source) in copies { average.copy_(source) }
        }
    }
}
