import Checkpoints
import Foundation
import Imaging
import Models
import Provenance
import Recipes
import Torch

/// Makes faces with a trained model; the same seed is the same face everywhere, in one precision to the last few bits.
public final class FaceSampler {
    public let model: GeneratorModel
    private let runner: GeneratorRunner

    /// - Parameters:
    ///   - source: a run's folder or a file of this program.
    ///   - precision: `.auto` is bfloat16 where that is faster, which moves a face's values by a level of 255 or two.
    public convenience init(
        _ source: String, state: ModelState = .last, weights: ModelWeights = .average,
        device: Device = .cpu, precision: Precision = .auto
    ) throws {
        self.init(
            try GeneratorModel(source, state: state, weights: weights, device: device), precision: precision)
    }

    public init(_ model: GeneratorModel, precision: Precision = .auto) {
        self.model = model
        runner = GeneratorRunner(model.generator, precision: precision)
    }

    /// `fp32` or `bf16`.
    public var precision: Precision { runner.precision }

    /// One face for each seed, whatever the others are. The noise is drawn on the CPU, from each seed alone.
    /// - Parameter batchSize: how many are computed at once; another number may change last bits.
    public func faces(seeds: [UInt64], batchSize: Int = GeneratorRunner.batchSize) -> [SyntheticImage] {
        let pixels = runner.pixels(model.sampler.sample(seeds: seeds), batchSize: batchSize)
        return zip(seeds, pixels).map { face($1, [("seed", "\($0)")]) }
    }

    /// A row for each seed: its face, then for each attribute that face without it and with it, all else as it was.
    public func sheet(seeds: [UInt64], batchSize: Int = GeneratorRunner.batchSize) -> [SyntheticImage] {
        var rows: [Latents] = []
        var fields: [[(name: String, value: String)]] = []
        for seed in seeds {
            let latents = model.sampler.sample(seeds: [seed])
            rows.append(latents)
            fields.append([("seed", "\(seed)")])
            for (index, name) in model.attributes.enumerated() {
                for value in [0, 1] {
                    let labels = latents.labels!.cloned()
                    labels.narrow(1, start: index, length: 1).fill_(value == 1 ? 1 : -1)
                    rows.append(Latents(latents.z, labels: labels))
                    fields.append([("seed", "\(seed)"), ("changed", "\(name)=\(value)")])
                }
            }
        }
        let pixels = runner.pixels(.concatenated(rows), batchSize: batchSize)
        return zip(pixels, fields).map { face($0, $1) }
    }

    /// Faces on the way through the seeds' latents and back to the first, evenly spaced in angle.
    /// - Parameter framesPerStep: frames from one seed to the next.
    public func film(through seeds: [UInt64], framesPerStep: Int, batchSize: Int = GeneratorRunner.batchSize)
        -> [SyntheticImage]
    {
        let sampler = model.sampler
        let points = seeds.map { sampler.sample(seeds: [$0]) }
        var path: [Latents] = []
        for (index, point) in points.enumerated() {
            let next = points[(index + 1) % points.count]
            for frame in 0..<framesPerStep {
                let t = Double(frame) / Double(framesPerStep)
                path.append(sampler.interpolated(point, next, t))
            }
        }
        let stops = seeds.map(String.init).joined(separator: ",")
        return runner.pixels(.concatenated(path), batchSize: batchSize).map {
            face($0, [("seeds", stops)])
        }
    }

    private var requested: [(name: String, value: String)] {
        model.requestedText.map { [("attributes", $0)] } ?? []
    }

    private func face(_ pixels: [UInt8], _ fields: [(name: String, value: String)]) -> SyntheticImage {
        let side = model.generator.resolution
        return SyntheticImage(
            picture: Picture(width: side, height: side, channels: 3, pixels: pixels),
            origin: Origin(
                software: Origin.program, model: model.digest.isEmpty ? model.recipe.name : model.digest,
                fields: fields + [("weights", model.weights.rawValue)] + requested))
    }
}

/// A latent between two others.
///
/// Normally distributed latents lie near a sphere and are interpolated along a great circle (White 2016), uniformly
/// distributed ones along a line.
/// - Parameters:
///   - a: z [1, Z], returned for t = 0.
///   - b: z [1, Z], returned for t = 1.
///   - t: 0...1.
/// - Returns: z [1, Z].
public func interpolated(
    _ a: Tensor, _ b: Tensor, _ t: Double, _ distribution: LatentSpace.Distribution
) -> Tensor {
    guard distribution == .normal else { return a.lerp(b, weight: t) }
    let cosine = ((a * b).sum().item() / (a.norm().item() * b.norm().item()))
    let angle = acos(min(1, max(-1, cosine)))
    // For nearly parallel latents, the great circle is the line.
    guard sin(angle) > 1e-6 else { return a.lerp(b, weight: t) }
    return a * (sin((1 - t) * angle) / sin(angle)) + b * (sin(t * angle) / sin(angle))
}

extension LatentSampler {
    /// Latents between two others of one row: z as above, labels along a line.
    func interpolated(_ a: Latents, _ b: Latents, _ t: Double) -> Latents {
        let labels = a.labels.flatMap { from in b.labels.map { from.lerp($0, weight: t) } }
        return Latents(Synthesis.interpolated(a.z, b.z, t, space.distribution), labels: labels)
    }
}
