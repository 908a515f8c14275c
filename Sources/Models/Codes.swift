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
        return labeled(z) { Tensor.uniform([count], random: random).floats() }
    }

    /// Codes [seeds, size + labels]; each row depends on its seed alone, z not even on what is asked.
    public func sample(seeds: [UInt64]) -> Tensor {
        let streams = seeds.map { RandomSource(seed: $0) }
        let z = Tensor.concatenated(streams.map { latent.sample(1, random: $0) })
        return labeled(z) { streams.flatMap { Tensor.uniform([1], random: $0).floats() } }
    }

    /// Latents with a drawn row of labels behind each; an unconditional generator draws none.
    private func labeled(_ z: Tensor, shares: () -> [Float]) -> Tensor {
        guard let labels else { return z }
        let rows = labels.rows(asked: asked, shares: shares().map(Double.init))
        let values = rows.flatMap { $0.map(Float.init) }
        return Tensor.concatenated([z, Tensor(values, shape: [rows.count, labels.names.count])], 1)
    }
}
