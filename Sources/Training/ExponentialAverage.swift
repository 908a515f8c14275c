import Models
import Torch
import TorchNN

/// A generator whose weights follow another's as a moving average.
///
/// Running statistics are averaged too, so that they belong to the averaged weights; counters are copied.
public final class ExponentialAverage {
    public let generator: any Generator
    private let pairs: [(average: Tensor, source: Tensor)]
    private let counters: [(average: Tensor, source: Tensor)]

    /// - Parameters:
    ///   - generator: another instance of the same shape; takes the values of `source`.
    public init(_ generator: any Generator, following source: any Generator) {
        let mismatch = generator.mismatch(with: source.state)
        precondition(mismatch.isEmpty, "ExponentialAverage: expected two of the same shape; \(mismatch)")
        self.generator = generator
        generator.train(false)
        let all = zip(generator.state, source.state).map { (average: $0.tensor, source: $1.tensor) }
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
