import Torch

/// A figure and how far it can be trusted.
public struct Estimate: Sendable, Equatable {
    public var value: Double
    /// Where the figure would lie with other pictures of the same kind, in 95 of 100 cases; nil if that is not known.
    public var interval: ClosedRange<Double>?
    /// What the figure would be with infinitely many pictures, for figures that depend on their number.
    public var atInfinity: Double?
    /// What a reader must know before comparing the figure with another one.
    public var notes: [String]

    public init(
        value: Double, interval: ClosedRange<Double>? = nil, atInfinity: Double? = nil, notes: [String] = []
    ) {
        (self.value, self.interval, self.atInfinity, self.notes) = (value, interval, atInfinity, notes)
    }
}

extension Estimate {
    /// Standard errors from the middle of a normal distribution that hold 95 % of it.
    static let width = 1.959_963_984_540_054

    /// A value with a normal distribution of this standard error.
    public init(value: Double, error: Double, atInfinity: Double? = nil, notes: [String] = []) {
        let reach = Self.width * error
        self.init(
            value: value,
            interval: reach.isFinite && value.isFinite ? (value - reach)...(value + reach) : nil,
            atInfinity: atInfinity, notes: notes)
    }

    /// The mean of independent values; of one, without an interval.
    public init(meanOf values: [Double], notes: [String] = []) {
        let (mean, deviation) = Self.moments(values)
        // Student's quantile over the normal one, by the first terms of its series (Abramowitz and Stegun 26.7.5):
        // the deviation of few values is itself uncertain.
        let (freedom, square) = (Double(max(1, values.count - 1)), Self.width * Self.width)
        let stretch =
            1 + (square + 1) / (4 * freedom)
            + (5 * square * square + 16 * square + 3) / (96 * freedom * freedom)
        self.init(
            value: mean, error: stretch * deviation / Double(values.count).squareRoot(), notes: notes)
    }

    /// How many of all have a property, as a share; Wilson's interval (1927), which holds at 0 and at 1 too.
    init(share successes: Int, of all: Int, notes: [String] = []) {
        guard all > 0 else {
            self.init(value: .nan, notes: notes + ["nothing to count"])
            return
        }
        let share = Double(successes) / Double(all)
        self.init(value: share, interval: Self.wilson(share, of: Double(all)), notes: notes)
    }

    /// Where the true share lies if `share` of so many was found (Wilson 1927).
    static func wilson(_ share: Double, of count: Double) -> ClosedRange<Double> {
        let square = width * width
        let middle = (share + square / (2 * count)) / (1 + square / count)
        let spread = share * (1 - share) / count + square / (4 * count * count)
        let reach = width / (1 + square / count) * spread.squareRoot()
        // At the ends the share itself is the bound; rounding must not leave it outside.
        return min(share, max(0, middle - reach))...max(share, min(1, middle + reach))
    }

    /// The bounds of what depends on two independent figures: how far each moves it, added as squares (Zou and
    /// Donner 2008).
    static func joined(
        _ value: Double, _ first: ClosedRange<Double>, _ second: ClosedRange<Double>
    ) -> ClosedRange<Double> {
        func length(_ x: Double, _ y: Double) -> Double { (x * x + y * y).squareRoot() }
        let below = length(value - first.lowerBound, value - second.lowerBound)
        let above = length(first.upperBound - value, second.upperBound - value)
        return (value - below)...(value + above)
    }

    /// The mean and the standard deviation (n - 1; NaN of one value).
    static func moments(_ values: [Double]) -> (mean: Double, deviation: Double) {
        let mean = values.reduce(0, +) / Double(values.count)
        let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        return (mean, values.count > 1 ? (squares / Double(values.count - 1)).squareRoot() : .nan)
    }
}

/// Random choices of pictures.
enum Draws {
    /// `count` indices in 0..<count, with replacement (Int64).
    static func again(_ count: Int, _ random: RandomSource) -> Tensor {
        // Uniform numbers have 24 bits; two of them reach every index of any set.
        let coarse = Tensor.uniform([count], random: random).to(.float64)
        let fine = Tensor.uniform([count], random: random).to(.float64)
        let places = (coarse + fine / 16_777_216) * Double(count)
        return places.clamped(0...Double(count - 1)).to(.int64)
    }

    /// `size` different indices in 0..<count.
    static func some(_ size: Int, of count: Int, _ random: RandomSource) -> Tensor {
        Tensor.permutation(count, random: random)[0..<size]
    }
}
