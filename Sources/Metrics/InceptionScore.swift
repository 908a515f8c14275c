import Torch

/// Inception score (Salimans et al. 2016): exp of the mean Kullback-Leibler divergence of p(y | x) from p(y).
///
/// High if the class of each picture is certain and all classes are equally frequent. It uses no reference set, and the
/// classes of ImageNet say little about faces.
public enum InceptionScore {
    /// Scores of consecutive parts of the logits.
    /// - Parameters:
    ///   - logits: [N, classes] in random order.
    ///   - splits: number of parts, at most N.
    public static func scores(logits: Tensor, splits: Int = 10) -> [Double] {
        let count = logits.shape[0]
        precondition(
            logits.rank == 2 && splits > 0 && count >= splits,
            "InceptionScore: expected logits [N, classes] with N >= \(splits), got \(logits.summary)")
        return withoutGradients {
            (0..<splits).map { part in
                let rows = logits[(part * count / splits)..<((part + 1) * count / splits)].to(.float64)
                let (p, log) = (rows.softmax(1), rows.logSoftmax(1))
                let divergence = (p * (log - p.mean([0], keep: true).log())).sum([1])
                return divergence.mean().exp().item()
            }
        }
    }

    /// Mean score over the parts, with an interval from their standard deviation.
    /// - Parameters:
    ///   - logits: [N, classes] in random order.
    ///   - splits: number of parts, at most N.
    public static func estimate(logits: Tensor, splits: Int = 10) -> Estimate {
        let size = logits.shape[0] / splits
        let few = size < 5000 ? ["parts of \(size) pictures: the score increases with this number"] : []
        return Estimate(meanOf: scores(logits: logits, splits: splits), notes: few)
    }
}
