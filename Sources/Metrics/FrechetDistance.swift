import Torch

/// The Fréchet distance between two sets of features, both taken for normal distributions (Heusel et al. 2017).
///
/// |m1 - m2|^2 + tr(S1) + tr(S2) - 2 tr((S1^(1/2) S2 S1^(1/2))^(1/2)). On features of Inception it is called FID.
public enum FrechetDistance {
    /// The distance; NaN if features were infinite or NaN.
    public static func between(_ a: FeatureMoments, _ b: FeatureMoments) -> Double {
        withoutGradients { Gaussian(a).distance(to: Gaussian(b)) }
    }

    /// The distance with its interval and its value at infinitely many pictures.
    ///
    /// Where a set's features are given they are drawn again, and cut, for both; a set without is taken for exact, as
    /// published statistics are. Without any, the estimate is the value alone.
    /// - Parameters:
    ///   - sampleA: features [N, D] behind the moments `a`, or as many of them as are at hand.
    ///   - sampleB: features [M, D] behind the moments `b`.
    ///   - resamples: how often the pictures are drawn again; by default 100, above 512 features 20.
    ///   - seed: of what is drawn.
    public static func estimate(
        _ a: FeatureMoments, _ b: FeatureMoments, sampleA: Tensor? = nil, sampleB: Tensor? = nil,
        resamples: Int? = nil, seed: UInt64 = 0
    ) -> Estimate {
        withoutGradients {
            let value = between(a, b)
            var notes = notes(a, b)
            guard value.isFinite else {
                return Estimate(value: value, notes: notes + ["features are infinite or not numbers"])
            }
            guard sampleA != nil || sampleB != nil else { return Estimate(value: value, notes: notes) }
            if sampleA == nil || sampleB == nil {
                notes.append("one set is taken for exact: the interval holds the other's noise alone")
            }
            let noise = FrechetNoise(
                first: .init(sampleA, else: a), second: .init(sampleB, else: b), random: .init(seed: seed))
            let limit = noise.limit(parts: a.dimension > 512 ? 3 : 4)
            if limit.isRough {
                notes.append("parts of the sets are smaller than the features: the limit is rough")
            }
            return Estimate(
                value: value, error: noise.error(resamples: resamples ?? (a.dimension > 512 ? 20 : 100)),
                atInfinity: limit.value, notes: notes)
        }
    }

    private static func notes(_ a: FeatureMoments, _ b: FeatureMoments) -> [String] {
        let fewest = min(a.count, b.count)
        var notes: [String] = []
        if fewest < 2048 { notes.append("fewer than 2,048 pictures: the distance is far too high") }
        if fewest <= a.dimension {
            notes.append("fewer pictures than features: the covariance has not full rank")
        }
        return notes
    }
}
