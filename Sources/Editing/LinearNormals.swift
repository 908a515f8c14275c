import Torch

/// Linear boundaries between latents of faces with and without attributes (Shen et al. 2020, arXiv:2005.09635).
///
/// The rows are divided by index: 70 % for the fits, 15 % for the choice of the method, 15 % for the reported quality. For each
/// attribute, candidates are the ridge regression of the logit on all rows of the fit, and the logistic regression of the sign on
/// the fifth of these rows with the largest and the fifth with the smallest logits. The candidate with the highest accuracy on
/// the rows of the choice is used.
public struct LinearNormals {
    /// Unit normals, [K, D], float32. They point towards larger logits.
    public let normals: Tensor
    /// Quality of each normal.
    public let qualities: [NormalQuality]

    /// Penalties of the ridge regression, relative to the mean eigenvalue of the covariance of the latents.
    private static let ridgePenalties = [0.001, 0.01, 0.1, 1]
    /// Penalties of the logistic regression on whitened latents.
    private static let logisticPenalties = [0.003, 0.03]
    /// Fraction of the rows at each end that the logistic regression uses.
    private static let extremes = 0.2
    /// Fraction of the rows at each end for the reported accuracy, and for the choice of the method.
    private static let (reported, chosen) = (0.1, 0.3)
    /// Smallest number of rows.
    public static let minCount = 100

    /// Fits normals.
    /// - Parameters:
    ///   - latents: [N, D], N of `minCount` or more.
    ///   - logits: [N, K].
    ///   - isCancelled: called between fits.
    /// - Throws: `CancellationError`.
    public init(latents: Tensor, logits: Tensor, isCancelled: () -> Bool = { false }) throws {
        let count = latents.shape[0]
        require(
            latents.rank == 2 && logits.rank == 2 && logits.shape[0] == count && count >= Self.minCount,
            "LinearNormals: expected latents [N, D] and logits [N, K] with N of \(Self.minCount) or more, got"
                + " \(latents.summary) and \(logits.summary)")
        (normals, qualities) = try withoutGradients {
            try Self.fit(Parts(latents.to(.float64), logits.to(.float64)), isCancelled)
        }
    }

    /// Rows of a part of the samples, relative to the means of the rows of the fit.
    private struct Rows {
        /// [n, D].
        let x: Tensor
        /// [n, K].
        let y: Tensor
        /// Logits by attribute, [K][n].
        let columns: [[Double]]

        init(_ x: Tensor, _ y: Tensor) {
            (self.x, self.y) = (x, y)
            let (flat, count) = (y.transposed(0, 1).contiguous().doubles(), y.shape[0])
            columns = (0..<y.shape[1]).map { Array(flat[($0 * count)..<(($0 + 1) * count)]) }
        }
    }

    private struct Parts {
        let fit: Rows
        let choice: Rows
        let test: Rows

        init(_ latents: Tensor, _ logits: Tensor) {
            // Of 20 consecutive rows, 14 are for the fit, 3 for the choice and 3 for the test.
            let places = (0..<latents.shape[0]).map { $0 % 20 }
            func rows(_ range: Range<Int>) -> Tensor {
                Tensor(places.indices.filter { range.contains(places[$0]) })
            }
            let own = rows(0..<14)
            let means = (
                latents.indexSelect(0, own).mean([0], keep: true),
                logits.indexSelect(0, own).mean([0], keep: true)
            )
            func part(_ rows: Tensor) -> Rows {
                Rows(latents.indexSelect(0, rows) - means.0, logits.indexSelect(0, rows) - means.1)
            }
            (fit, choice, test) = (part(own), part(rows(14..<17)), part(rows(17..<20)))
        }
    }

    private static func fit(_ parts: Parts, _ isCancelled: () -> Bool) throws -> (Tensor, [NormalQuality]) {
        let count = Double(parts.fit.x.shape[0])
        let covariance = parts.fit.x.transposed(0, 1).matmul(parts.fit.x) * (1 / count)
        let (values, vectors) = covariance.symmetricEigen()
        let scale = Swift.max(values.mean().item(), 1e-12)
        let eigen = values.clampedBelow(0)
        // [D, K]
        let cross = parts.fit.x.transposed(0, 1).matmul(parts.fit.y) * (1 / count)
        let turned = vectors.transposed(0, 1).matmul(cross)
        var candidates: [(method: String, weights: Tensor)] = ridgePenalties.map { penalty in
            let inverse = (eigen + penalty * scale).pow(-1).unsqueezed(1)
            return ("ridge \(penalty)", vectors.matmul(turned * inverse))
        }
        // Whitened latents make the logistic regression well conditioned.
        let whitening = vectors * (eigen + 0.01 * scale).rsqrt().unsqueezed(0)
        let white = parts.fit.x.matmul(whitening).to(.float32)
        let members = ends(parts.fit.columns, extremes)
        for penalty in logisticPenalties {
            if isCancelled() { throw CancellationError() }
            let found = logistic(white, members, penalty: penalty)
            candidates.append(("logistic \(penalty)", whitening.matmul(found.to(.float64))))
        }
        return choose(candidates, parts)
    }

    /// Logistic regression without intercept of all attributes at once, by Nesterov's gradient method.
    /// - Parameters:
    ///   - x: whitened latents [n, D].
    ///   - members: 1, -1 or 0 (not used) of each row and attribute, [n, K].
    ///   - penalty: weight of the squared norm.
    /// - Returns: [D, K].
    private static func logistic(_ x: Tensor, _ members: Tensor, penalty: Double) -> Tensor {
        let used = members.abs().sum([0], keep: true).clampedBelow(1)
        let share = members / used
        let flipped = x.transposed(0, 1).contiguous()
        var weights = Tensor.zeros([x.shape[1], members.shape[1]])
        var ahead = weights
        // The curvature is at most a quarter of the largest second moment of the used rows, which is about 3 here.
        let rate = 1 / (0.25 * 4 + penalty)
        for step in 0..<logisticSteps {
            let margins = x.matmul(ahead) * members
            let gradient = flipped.matmul(share * (-margins).sigmoid()) - ahead * penalty
            let next = ahead + gradient * rate
            ahead = next + (next - weights) * (Double(step) / Double(step + 3))
            weights = next
        }
        return weights
    }

    private static let logisticSteps = 60

    /// 1 for the rows with the largest values of a column, -1 for those with the smallest ones, otherwise 0: [n, K].
    private static func ends(_ columns: [[Double]], _ fraction: Double) -> Tensor {
        let count = columns[0].count
        var values = [Float](repeating: 0, count: count * columns.count)
        for (column, logits) in columns.enumerated() {
            let (low, high) = ends(logits, fraction)
            for row in low { values[row * columns.count + column] = -1 }
            for row in high { values[row * columns.count + column] = 1 }
        }
        return Tensor(values, shape: [count, columns.count])
    }

    private typealias Ends = (low: ArraySlice<Int>, high: ArraySlice<Int>)

    /// Indices of the smallest and the largest values, a fraction of all each.
    private static func ends(_ values: [Double], _ fraction: Double) -> Ends {
        let order = values.indices.sorted { (values[$0], $0) < (values[$1], $1) }
        let size = Swift.max(1, Int(Double(order.count) * fraction))
        return (order.prefix(size), order.suffix(size))
    }

    /// Accuracy at both ends of the logits, and correlation.
    private static func quality(
        _ predictions: [Double], _ logits: [Double], _ ends: Ends, threshold: Double
    ) -> (accuracy: Double, correlation: Double) {
        let (low, high) = ends
        let correct = low.count { predictions[$0] < threshold } + high.count { predictions[$0] > threshold }
        return (Double(correct) / Double(low.count + high.count), correlation(predictions, logits))
    }

    /// Mean of the mean predictions of both ends.
    private static func threshold(_ predictions: [Double], _ ends: Ends) -> Double {
        func mean(_ rows: ArraySlice<Int>) -> Double {
            rows.reduce(0) { $0 + predictions[$1] } / Double(rows.count)
        }
        return (mean(ends.low) + mean(ends.high)) / 2
    }

    /// Pearson's correlation; 0 if a list is constant.
    static func correlation(_ a: [Double], _ b: [Double]) -> Double {
        let count = Double(a.count)
        let means = (a.reduce(0, +) / count, b.reduce(0, +) / count)
        var (aa, bb, ab) = (0.0, 0.0, 0.0)
        for (x, y) in zip(a, b) {
            aa += (x - means.0) * (x - means.0)
            bb += (y - means.1) * (y - means.1)
            ab += (x - means.0) * (y - means.1)
        }
        return aa > 0 && bb > 0 ? ab / (aa * bb).squareRoot() : 0
    }

    private static func choose(
        _ candidates: [(method: String, weights: Tensor)], _ parts: Parts
    ) -> (Tensor, [NormalQuality]) {
        /// Predictions of all candidates and attributes, [candidate][K][n].
        func predictions(_ rows: Rows) -> [[[Double]]] {
            candidates.map { Rows(rows.x, rows.x.matmul($0.weights)).columns }
        }
        let (fitted, tried, tested) = (
            predictions(parts.fit), predictions(parts.choice), predictions(parts.test)
        )
        var (rows, qualities) = ([Tensor](), [NormalQuality]())
        for column in parts.fit.columns.indices {
            let fitEnds = ends(parts.fit.columns[column], extremes)
            let choiceEnds = ends(parts.choice.columns[column], chosen)
            var best = (index: 0, threshold: 0.0, accuracy: -1.0, correlation: -2.0)
            for index in candidates.indices {
                let limit = threshold(fitted[index][column], fitEnds)
                let found = quality(
                    tried[index][column], parts.choice.columns[column], choiceEnds, threshold: limit)
                if (found.accuracy, found.correlation) > (best.accuracy, best.correlation) {
                    best = (index, limit, found.accuracy, found.correlation)
                }
            }
            let logits = parts.test.columns[column]
            let held = quality(
                tested[best.index][column], logits, ends(logits, reported), threshold: best.threshold)
            qualities.append(
                NormalQuality(
                    method: candidates[best.index].method, accuracy: held.accuracy,
                    correlation: held.correlation))
            let weights = candidates[best.index].weights.select(1, column)
            rows.append(weights / weights.norm().clampedBelow(1e-30))
        }
        return (Tensor.stacked(rows).to(.float32), qualities)
    }
}
