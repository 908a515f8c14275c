import Torch

/// A score with its 95 % confidence interval.
public struct Estimate: Sendable, Equatable {
    /// The score.
    public var value: Double
    /// 95 % confidence interval for other samples of pictures from the same distributions; nil if unknown.
    public var interval: ClosedRange<Double>?
    /// Extrapolation to an infinite number of pictures, for scores that depend on the number; nil for others.
    public var atInfinity: Double?
    /// Conditions to consider when comparing the score with others.
    public var notes: [String]

    /// Creates an estimate from its parts.
    public init(
        value: Double, interval: ClosedRange<Double>? = nil, atInfinity: Double? = nil, notes: [String] = []
    ) {
        (self.value, self.interval, self.atInfinity, self.notes) = (value, interval, atInfinity, notes)
    }
}

extension Estimate {
    /// 97.5 % quantile of the standard normal distribution: 95 % lie within this many standard errors of the mean.
    static let normalQuantile = 1.959_963_984_540_054

    /// Creates an estimate with the interval of a normal distribution.
    /// - Parameters:
    ///   - value: the estimate.
    ///   - error: standard error of `value`; no interval if it is not finite.
    ///   - atInfinity: the estimate extrapolated to infinitely many pictures; nil if unknown.
    ///   - notes: reasons why the estimate is less reliable.
    public init(value: Double, error: Double, atInfinity: Double? = nil, notes: [String] = []) {
        let reach = Self.normalQuantile * error
        self.init(
            value: value,
            interval: reach.isFinite && value.isFinite ? (value - reach)...(value + reach) : nil,
            atInfinity: atInfinity, notes: notes)
    }

    /// Creates the mean of independent values with Student's interval; without an interval for a single value.
    public init(meanOf values: [Double], notes: [String] = []) {
        let (mean, deviation) = Self.moments(values)
        // Ratio of Student's quantile to the normal quantile, by the first terms of its series
        // (Abramowitz and Stegun 26.7.5).
        let (freedom, square) = (
            Double(max(1, values.count - 1)), Self.normalQuantile * Self.normalQuantile
        )
        let stretch =
            1 + (square + 1) / (4 * freedom)
            + (5 * square * square + 16 * square + 3) / (96 * freedom * freedom)
        self.init(
            value: mean, error: stretch * deviation / Double(values.count).squareRoot(), notes: notes)
    }

    /// Creates a proportion, `successes` / `all`, with Wilson's interval (1927).
    init(proportion successes: Int, of all: Int, notes: [String] = []) {
        guard all > 0 else {
            self.init(value: .nan, notes: notes + ["the set is empty"])
            return
        }
        let proportion = Double(successes) / Double(all)
        self.init(value: proportion, interval: Self.wilson(proportion, of: Double(all)), notes: notes)
    }

    /// Wilson's interval (1927) of a proportion observed among `count` cases.
    static func wilson(_ proportion: Double, of count: Double) -> ClosedRange<Double> {
        let square = normalQuantile * normalQuantile
        let middle = (proportion + square / (2 * count)) / (1 + square / count)
        let spread = proportion * (1 - proportion) / count + square / (4 * count * count)
        let reach = normalQuantile / (1 + square / count) * spread.squareRoot()
        // At 0 and 1 a bound equals the proportion; the clamp removes rounding errors there.
        return min(proportion, max(0, middle - reach))...max(proportion, min(1, middle + reach))
    }

    /// Interval of a value that depends on two independent quantities (Zou and Donner 2008).
    /// - Parameters:
    ///   - value: the value at both estimates.
    ///   - first: the values at the bounds of the first quantity, with the second at its estimate.
    ///   - second: the values at the bounds of the second quantity, with the first at its estimate.
    static func combinedInterval(
        _ value: Double, _ first: ClosedRange<Double>, _ second: ClosedRange<Double>
    ) -> ClosedRange<Double> {
        func length(_ x: Double, _ y: Double) -> Double { (x * x + y * y).squareRoot() }
        let below = length(value - first.lowerBound, value - second.lowerBound)
        let above = length(first.upperBound - value, second.upperBound - value)
        return (value - below)...(value + above)
    }

    /// Mean and standard deviation (divisor n - 1; NaN for one value).
    static func moments(_ values: [Double]) -> (mean: Double, deviation: Double) {
        let mean = values.reduce(0, +) / Double(values.count)
        let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        return (mean, values.count > 1 ? (squares / Double(values.count - 1)).squareRoot() : .nan)
    }
}

/// Random indices of pictures.
enum RandomIndices {
    /// `count` indices in 0..<count with replacement, Int64 [count].
    static func withReplacement(_ count: Int, _ random: RandomSource) -> Tensor {
        // One uniform Float has 24 bits. Two of them reach every index of any set.
        let coarse = Tensor.uniform([count], random: random).to(.float64)
        let fine = Tensor.uniform([count], random: random).to(.float64)
        let places = (coarse + fine / 16_777_216) * Double(count)
        return places.clamped(0...Double(count - 1)).to(.int64)
    }

    /// `size` different indices in 0..<count, Int64 [size].
    static func withoutReplacement(_ size: Int, of count: Int, _ random: RandomSource) -> Tensor {
        Tensor.permutation(count, random: random)[0..<size]
    }
}
