import Synthesis

/// Movement of a latent along a direction.
public struct Displacement: Sendable, Equatable {
    /// Unit vector [D] in z or w.
    public let vector: [Float]
    /// Signed distance.
    public let distance: Double
    /// Rows of w+ that move; nil for all. Only valid for a latent in w+.
    public let layers: ClosedRange<Int>?

    /// Creates a displacement from its parts.
    public init(_ vector: [Float], distance: Double, layers: ClosedRange<Int>? = nil) {
        (self.vector, self.distance, self.layers) = (vector, distance, layers)
    }
}

extension LatentPoint {
    /// The latent after displacements. Its space is unchanged.
    /// - Throws: `EditError` for a vector or layers that do not fit the latent; `SynthesisError` if a value becomes infinite.
    public func moved(by displacements: [Displacement]) throws -> LatentPoint {
        guard !displacements.isEmpty else { return self }
        var moved = values
        let width = shape[shape.count - 1]
        let rows = space == .wPlus ? shape[0] : 1
        for displacement in displacements where displacement.distance != 0 {
            guard displacement.vector.count == width else {
                throw EditError(
                    "direction: expected \(width) values for a latent in space \(space.rawValue), got"
                        + " \(displacement.vector.count)")
            }
            let layers = displacement.layers ?? 0...(rows - 1)
            guard layers.lowerBound >= 0, layers.upperBound < rows else {
                throw EditError(
                    "layers: expected a range within 0-\(rows - 1), got \(layers.lowerBound)-\(layers.upperBound)"
                )
            }
            for row in layers {
                for column in 0..<width {
                    let index = row * width + column
                    moved[index] = Float(
                        Double(moved[index]) + displacement.distance * Double(displacement.vector[column]))
                }
            }
        }
        return try LatentPoint(space, shape: shape, values: moved, labels: labels, origin: origin)
    }
}
