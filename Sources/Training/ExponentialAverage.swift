import Torch
import TorchNN

/// Weights that follow another network's as a moving average.
///
/// Running statistics are averaged too, so that they belong to the averaged weights; counters are copied.
public final class ExponentialAverage {
    private let pairs: [(average: Tensor, source: Tensor)]
    private let counters: [(average: Tensor, source: Tensor)]

    /// - Parameters:
    ///   - network: another instance of the same shape; takes the values of `source`.
    public init(_ network: Module, following source: Module) {
        let mismatch = network.mismatch(with: source.state)
        precondition(mismatch.isEmpty, "ExponentialAverage: expected two of the same shape; \(mismatch)")
        network.train(false)
        let all = zip(network.state, source.state).map { (average: $0.tensor, source: $1.tensor) }
        pairs = all.filter { $0.average.dtype.isFloatingPoint }
        counters = all.filter { !$0.average.dtype.isFloatingPoint }
        withoutGradients { for (average, source) in all { average.copy_(source) } }
    }

    /// average = decay * average + (1 - decay) * source.
    public func update(decay: Double) {
        withoutGradients {
            foreachLerp_(pairs.map(\.average), towards: pairs.map(\.source), weight: 1 - decay)
            for (average, source) in counters { average.copy_(source) }
        }
    }
}
