/// Linear algebra of single vectors, in double precision.
public enum Vectors {
    /// Inner product of vectors of equal length.
    public static func dot(_ a: [Float], _ b: [Float]) -> Double {
        zip(a, b).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    }

    /// Euclidean norm.
    public static func norm(_ a: [Float]) -> Double { dot(a, a).squareRoot() }

    /// Cosine of the angle; 0 if a vector is zero.
    public static func cosine(_ a: [Float], _ b: [Float]) -> Double {
        let scale = norm(a) * norm(b)
        return scale > 0 ? dot(a, b) / scale : 0
    }

    /// Vector of length 1 in the same direction; the zero vector is returned unchanged.
    public static func normalized(_ a: [Float]) -> [Float] {
        let length = norm(a)
        return length > 0 ? a.map { Float(Double($0) / length) } : a
    }

    /// Orthonormal basis of the span of vectors (modified Gram-Schmidt). Vectors that depend on earlier ones are omitted.
    public static func basis(of vectors: [[Float]]) -> [[Double]] {
        var basis: [[Double]] = []
        for vector in vectors {
            let length = norm(vector)
            guard length > 0 else { continue }
            let rest = removed(basis, from: vector.map { Double($0) / length })
            let remaining = rest.reduce(0) { $0 + $1 * $1 }.squareRoot()
            // The rest of a dependent vector consists of rounding errors.
            guard remaining > 1e-5 else { continue }
            basis.append(rest.map { $0 / remaining })
        }
        return basis
    }

    /// Component of a vector that is orthogonal to the span of others; not normalized.
    public static func orthogonal(_ vector: [Float], to others: [[Float]]) -> [Float] {
        removed(basis(of: others), from: vector.map(Double.init)).map { Float($0) }
    }

    /// Removes the components along orthonormal vectors. The second pass removes rounding errors of the first one.
    private static func removed(_ basis: [[Double]], from vector: [Double]) -> [Double] {
        var rest = vector
        for _ in 0..<2 {
            for axis in basis {
                let share = zip(rest, axis).reduce(0) { $0 + $1.0 * $1.1 }
                for index in rest.indices { rest[index] -= share * axis[index] }
            }
        }
        return rest
    }
}
