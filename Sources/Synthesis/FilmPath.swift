import Checkpoints
import Foundation
import Models
import Torch

/// Path of a film through latents.
public struct FilmPath: Sendable, Equatable {
    /// Curve between two stops.
    public enum Curve: String, Sendable, CaseIterable {
        /// Lines in w+ of a style generator, otherwise in z. The speed changes suddenly at the stops.
        case linear
        /// Cubic spline through all stops (Catmull-Rom) in w+ of a style generator, otherwise in z. The speed is continuous.
        case cubic
        /// Great circles in z (White 2016); lines for uniformly distributed z.
        case slerp
    }

    /// Curve; nil for `.linear` in w+ of a style generator, and `.slerp` for other generators.
    public var curve: Curve?
    /// Whether the path returns from the last stop to the first one.
    public var isClosed: Bool

    /// Creates a path; the default is a closed one.
    public init(_ curve: Curve? = nil, isClosed: Bool = true) {
        (self.curve, self.isClosed) = (curve, isClosed)
    }

    /// Number of frames: an open path has the last stop as its last frame.
    public func frames(stops: Int, perStep: Int) -> Int {
        isClosed ? stops * perStep : (stops - 1) * perStep + 1
    }

    /// Positions of the frames: index of a stop, and fraction of the way to the next one.
    func positions(stops: Int, perStep: Int) -> [(stop: Int, fraction: Double)] {
        (0..<frames(stops: stops, perStep: perStep)).map { frame in
            (frame / perStep, Double(frame % perStep) / Double(perStep))
        }
    }

    /// Stops around a position: the one before, the two between which it lies, and the one after. An open path repeats its ends.
    func neighbors(of stop: Int, stops: Int) -> [Int] {
        (-1...2).map { offset in
            isClosed ? (stop + offset + stops) % stops : min(stops - 1, max(0, stop + offset))
        }
    }

    /// Value of a Catmull-Rom spline at t in 0...1 between the second and the third of four points of one shape.
    package static func spline(_ points: [Tensor], _ t: Double) -> Tensor {
        let (t2, t3) = (t * t, t * t * t)
        let weights = [
            (-t3 + 2 * t2 - t) / 2, (3 * t3 - 5 * t2 + 2) / 2, (-3 * t3 + 4 * t2 + t) / 2, (t3 - t2) / 2,
        ]
        return zip(points, weights).dropFirst().reduce(points[0] * weights[0]) { $0 + $1.0 * $1.1 }
    }
}

extension FaceSampler {
    /// Rows of a film. A style generator interpolates in w+ unless the curve is `.slerp`, others in z.
    func plan(
        filmThrough sources: [LatentSource], framesPerStep: Int, along way: FilmPath = .init()
    ) throws -> Plan {
        let isStyle = model.generator is any StyleGenerator
        let curve = way.curve ?? (isStyle ? .linear : .slerp)
        let positions = way.positions(stops: sources.count, perStep: framesPerStep)
        func line(_ stops: [Tensor]) -> Tensor {
            .concatenated(
                positions.map { stop, fraction in
                    let around = way.neighbors(of: stop, stops: stops.count).map { stops[$0] }
                    // At a stop, the frame has the bits of its latent.
                    guard fraction > 0 else { return around[1] }
                    return curve == .cubic
                        ? FilmPath.spline(around, fraction) : around[1].lerp(around[2], weight: fraction)
                })
        }
        let input: GeneratorInput
        switch try inputs(sources) {
        case .latents(let stops) where isStyle && curve != .slerp: input = .w(line(try stops.map(wPlus)))
        case .latents(let stops) where curve == .slerp:
            input = .latents(
                .concatenated(
                    positions.map { stop, fraction in
                        let around = way.neighbors(of: stop, stops: stops.count)
                        return model.sampler.interpolated(stops[around[1]], stops[around[2]], fraction)
                    }))
        case .latents(let stops):
            // Labels change along lines.
            let straight = FilmPath(.linear, isClosed: way.isClosed)
            let labels = stops[0].labels.map { _ in
                Tensor.concatenated(
                    positions.map { stop, fraction in
                        let around = straight.neighbors(of: stop, stops: stops.count)
                        return stops[around[1]].labels!.lerp(stops[around[2]].labels!, weight: fraction)
                    })
            }
            input = .latents(Latents(line(stops.map(\.z)), labels: labels))
        case .w(let stops):
            guard curve != .slerp else {
                throw SynthesisError(
                    "film: latents in w and w+ have no great circles; use the curve linear or cubic")
            }
            input = .w(line(stops))
        }
        return Plan(input: input, fields: Array(repeating: [Self.filmField(sources)], count: input.count))
    }

    private static func filmField(_ sources: [LatentSource]) -> (name: String, value: String) {
        let seeds = sources.compactMap { if case .seed(let seed) = $0 { "\(seed)" } else { nil } }
        guard seeds.count != sources.count else { return ("seeds", seeds.joined(separator: ",")) }
        let names = sources.map { source in
            switch source {
            case .seed(let seed): "seed \(seed)"
            case .point(let point): point.name
            }
        }
        return ("latents", names.joined(separator: ","))
    }
}
