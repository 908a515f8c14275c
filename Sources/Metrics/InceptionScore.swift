import Torch

/// How sure a classifier is of single pictures and how evenly it spreads over all of them (Salimans et al. 2016).
///
/// exp of the mean Kullback-Leibler divergence of p(y | x) from p(y). Without reference: it knows nothing of faces.
public enum InceptionScore {
    /// The scores of consecutive parts.
    /// - Parameter logits: [N, classes], in an order that is random already.
    public static func scores(logits: Tensor, splits: Int = 10) -> [Double] {
        let count = logits.shape[0]
        precondition(
            logits.rank == 2 && splits > 0 && count >= splits,
            "InceptionScore: expected [\(splits) or more, classes], got \(logits.summary)")
        return withoutGradients {
            (0..<splits).map { part in
                let rows = logits[(part * count / splits)..<((part + 1) * count / splits)].to(.float64)
                let (p, log) = (rows.softmax(1), rows.logSoftmax(1))
                let divergence = (p * (log - p.mean([0], keep: true).log())).sum([1])
                return divergence.mean().exp().item()
            }
        }
    }

    /// The mean over the parts; their spread gives the interval.
    public static func estimate(logits: Tensor, splits: Int = 10) -> Estimate {
        let size = logits.shape[0] / splits
        let few = size < 5000 ? ["parts of \(size) pictures: the score rises with their number"] : []
        return Estimate(meanOf: scores(logits: logits, splits: splits), notes: few)
    }
}
