import Settings
import Torch

/// What a generator starts from: vectors z of one size and distribution, drawn on the CPU.
public struct Latent: SettingsGroup, Equatable {
    /// How the values are distributed.
    public enum Distribution: String, Sendable, CaseIterable {
        /// N(0, 1).
        case normal
        /// Uniform in -1...1.
        case uniform
    }

    public var size = 100
    public var distribution = Distribution.normal

    public init() {}

    public init(size: Int, distribution: Distribution = .normal) {
        (self.size, self.distribution) = (size, distribution)
    }

    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.integer("size", &size, in: 1...8192, "Values of one z.")
        try v.choice("distribution", &distribution, "normal: N(0, 1); uniform: -1...1.")
    }

    /// z [count, size] from a stream.
    public func sample(_ count: Int, random: RandomSource) -> Tensor {
        switch distribution {
        case .normal: Tensor.normal([count, size], random: random)
        case .uniform: Tensor.uniform([count, size], -1, 1, random: random)
        }
    }

    /// A code [N, size + labels] as z [N, size] and labels [N, labels]; nil for none.
    public func split(_ code: Tensor, labels: Int) -> (z: Tensor, labels: Tensor?) {
        require(
            code.rank == 2 && code.shape[1] == size + labels,
            "generator: expected codes of \(size) values and \(labels) labels, got \(code.summary)")
        guard labels > 0 else { return (code, nil) }
        return (code.narrow(1, start: 0, length: size), code.narrow(1, start: size, length: labels))
    }
}
