import Synthesis
import Torch

/// Measurement of the changes of logits along directions, on faces that are not among the samples of the fits.
struct Calibration {
    private let sampler: FaceSampler
    private let meter: FaceMeter
    private let base: [LatentPoint]
    /// Typical distance of a latent from the mean.
    let radius: Double
    /// Mean change of the own logit for one unit.
    let logitsPerUnit: Double
    /// Standard deviations of the logits over the samples.
    let deviations: [Float]

    /// First seed of the measured faces.
    static let firstSeed: UInt64 = 1_000_000
    /// First distance that is tried, relative to the radius.
    private static let firstDistance = 0.15
    /// Largest distance of a unit, relative to the radius.
    private static let longest = 1.0

    /// - Parameters:
    ///   - sampler: the model.
    ///   - meter: the face network.
    ///   - space: `.z`, or `.w` of a style generator, where latents are in w+.
    ///   - count: number of faces.
    ///   - logitsPerUnit: mean change of the own logit for one unit.
    ///   - deviations: standard deviations of the logits.
    init(
        _ sampler: FaceSampler, _ meter: FaceMeter, space: LatentPoint.Space, count: Int,
        logitsPerUnit: Double,
        deviations: [Float]
    ) throws {
        (self.sampler, self.meter, self.logitsPerUnit) = (sampler, meter, logitsPerUnit)
        self.deviations = deviations
        base = try sampler.points(
            seeds: (0..<UInt64(count)).map { Self.firstSeed + $0 }, space: space == .z ? .z : .wPlus)
        // Rows of w+ of a seed are equal, so the first one suffices.
        let width = base[0].shape[base[0].shape.count - 1]
        let rows = base.map { $0.values.prefix(width).map(Double.init) }
        let mean = (0..<width).map { column in rows.reduce(0) { $0 + $1[column] } / Double(rows.count) }
        let squares = rows.map { row in zip(row, mean).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } }
        radius = max(1e-6, (squares.reduce(0, +) / Double(max(1, rows.count - 1))).squareRoot())
    }

    /// Half of the difference of the mean logits after a movement forwards and backwards, [K].
    /// - Parameters:
    ///   - vector: unit vector.
    ///   - layers: rows of w+ that move; nil for all.
    ///   - distance: distance of each movement.
    ///   - count: number of faces; nil for all.
    func response(
        _ vector: [Float], layers: ClosedRange<Int>? = nil, distance: Double, faces count: Int? = nil
    ) throws -> [Double] {
        let base = base.prefix(count ?? base.count)
        func points(_ distance: Double) throws -> [LatentSource] {
            try base.map {
                .point(try $0.moved(by: [Displacement(vector, distance: distance, layers: layers)]))
            }
        }
        let faces = try sampler.faces(try points(distance) + points(-distance))
        let logits = meter.measure(faces).logits
        let half = base.count
        return ((logits[0..<half].mean([0]) - logits[half..<(2 * half)].mean([0])) * 0.5).doubles()
    }

    /// A unit along a direction.
    struct Unit {
        let distance: Double
        /// Mean change of each logit for one unit, [K].
        let effects: [Float]
        /// Index of the own attribute.
        let attribute: Int
        /// Whether the own logit decreases along the vector.
        let isReversed: Bool
    }

    /// Finds the distance that changes the own logit by `logitsPerUnit`.
    /// - Parameters:
    ///   - vector: unit vector.
    ///   - attribute: index of the own attribute; nil for that with the largest change in standard deviations.
    ///   - layers: rows of w+ that move.
    func unit(of vector: [Float], attribute: Int? = nil, layers: ClosedRange<Int>? = nil) throws -> Unit {
        let start = Self.firstDistance * radius
        // Half of the faces are enough for a first estimate.
        let first = try response(vector, layers: layers, distance: start, faces: max(1, base.count / 2))
        func strongest(_ response: [Double]) -> Int {
            let relative = response.indices.map { abs(response[$0]) / Double(max(1e-6, deviations[$0])) }
            return relative.indices.max { relative[$0] < relative[$1] } ?? 0
        }
        var own = attribute ?? strongest(first)
        var (length, tried) = (distance(first[own], at: start), start)
        var measured = first
        // Measured at about one unit, because logits are not linear in the distance.
        for _ in 0..<Self.mostMeasurements {
            tried = length
            measured = try response(vector, layers: layers, distance: tried)
            own = attribute ?? strongest(measured)
            length = distance(measured[own], at: tried)
            if (0.75...1.33).contains(length / tried) { break }
        }
        return Unit(
            distance: length, effects: measured.map { Float($0 * length / tried) }, attribute: own,
            isReversed: measured[own] < 0)
    }

    private static let mostMeasurements = 3

    /// Distance of one unit, by proportion. Limited, because a direction without effect has none.
    private func distance(_ response: Double, at distance: Double) -> Double {
        guard response.isFinite, abs(response) > 1e-9 else { return Self.longest * radius }
        return min(Self.longest * radius, max(1e-3 * radius, distance * logitsPerUnit / abs(response)))
    }
}
