import Torch

/// Growing set of feature vectors, for the largest cosine with a vector of the set.
package final class CosineIndex {
    private let dimension: Int
    private let device: Device
    /// Unit vectors [blockSize, D]; the last block is not full.
    private var blocks: [Tensor] = []
    private var count = 0
    /// Unit vectors on the host, for exact values.
    private var rows: [Float] = []

    private static let blockSize = 8192

    /// - Parameters:
    ///   - dimension: length D of a vector.
    ///   - device: device of the products.
    package init(dimension: Int, device: Device) { (self.dimension, self.device) = (dimension, device) }

    /// Adds vectors [N][D].
    package func append(_ features: [[Float]]) {
        for vector in features {
            let unit = Self.unit(vector)
            if count % Self.blockSize == 0 {
                blocks.append(.zeros([Self.blockSize, dimension], on: device))
            }
            let place = blocks[blocks.count - 1].narrow(0, start: count % Self.blockSize, length: 1)
            withoutGradients { place.copy_(Tensor(unit, shape: [1, dimension])) }
            rows += unit
            count += 1
        }
    }

    /// Largest cosine of each vector [N][D] with a vector of the set; -1 for an empty set.
    /// - Parameter size: number of rows of the product. A product of another number of rows could have other last bits.
    package func largestCosines(_ features: [[Float]], paddedTo size: Int) -> [Float] {
        guard count > 0 else { return features.map { _ in -1 } }
        let units = features.map(Self.unit)
        let padding = [Float](repeating: 0, count: max(0, size - units.count) * dimension)
        let queries = Tensor(
            units.flatMap(\.self) + padding, shape: [max(size, units.count), dimension]
        ).to(device)
        var best = [Float](repeating: -1, count: units.count)
        withoutGradients {
            for (number, block) in blocks.enumerated() {
                let filled = min(Self.blockSize, count - number * Self.blockSize)
                let products = queries.matmul(block.narrow(0, start: 0, length: filled).transposed(0, 1))
                let nearest = (-products).smallest(1, 1).indices.squeezed(1).integers()
                for row in units.indices {
                    let other = number * Self.blockSize + nearest[row]
                    best[row] = max(best[row], product(units[row], other))
                }
            }
        }
        return best
    }

    private func product(_ unit: [Float], _ row: Int) -> Float {
        var sum = 0.0
        for i in 0..<dimension { sum += Double(unit[i]) * Double(rows[row * dimension + i]) }
        return Float(sum)
    }

    /// Vector of length 1; zeros for a vector without a direction.
    static func unit(_ vector: [Float]) -> [Float] {
        let length = vector.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
        guard length.isFinite, length > 1e-12 else { return [Float](repeating: 0, count: vector.count) }
        return vector.map { Float(Double($0) / length) }
    }

    /// Cosine of two vectors; 0 for a vector without a direction.
    package static func cosine(_ a: [Float], _ b: [Float]) -> Float {
        var (product, first, second) = (0.0, 0.0, 0.0)
        for (x, y) in zip(a, b) {
            product += Double(x) * Double(y)
            first += Double(x) * Double(x)
            second += Double(y) * Double(y)
        }
        let length = (first * second).squareRoot()
        return length.isFinite && length > 1e-24 ? Float(product / length) : 0
    }
}
