import Torch

/// What a generator takes: z [N, size], and behind it, for a conditional one, the attributes that are asked for.
public struct Codes: Sendable {
    public let latent: Latent
    /// nil for an unconditional generator.
    public let labels: LabelRows?
    /// Values of 1 or -1 by the index of their name, for all codes; the others vary as they do in pictures.
    public var asked: [Int: Int8] = [:]

    public init(_ latent: Latent, labels: LabelRows? = nil, asked: [Int: Int8] = [:]) {
        (self.latent, self.labels, self.asked) = (latent, labels, asked)
    }

    /// Codes [count, size + labels] from a stream.
    public func sample(_ count: Int, random: RandomSource) -> Tensor {
        let z = latent.sample(count, random: random)
        return labels == nil ? z : Tensor.concatenated([z, rows(count, random)], 1)
    }

    /// Codes [seeds, size + labels]; each row depends on its seed alone, z not even on what is asked.
    public func sample(seeds: [UInt64]) -> Tensor {
        Tensor.concatenated(seeds.map { sample(1, random: RandomSource(seed: $0)) })
    }

    /// A drawn row of labels for each code.
    private func rows(_ count: Int, _ random: RandomSource) -> Tensor {
        let labels = labels!
        let shares = Tensor.uniform([count], random: random).floats()
        let values = shares.flatMap { labels.row(asked: asked, share: Double($0)) }
        return Tensor(values.map(Float.init), shape: [count, labels.names.count])
    }
}
