import Torch

/// Computation of parameters from random values.
///
/// A plan is made once per size of pictures. Each event and each amount uses the next random value of a picture. The
/// computation runs on the device of the random values and does not read them.
final class ParameterPlan<Parameter: PictureParameter> {
    /// Random value of a picture, times `factor`, plus `offset`.
    struct Amount {
        let column: Int
        var factor = 1.0, offset = 0.0
        /// Whether the sum is rounded down.
        var isWhole = false
        /// Whether the result is 2 to the power of the sum.
        var isPower = false
    }

    /// Something that happens with a probability, if a uniform value is below it.
    struct Event {
        let column: Int
        /// Factor of the common probability of all events.
        let multiplier: Double
        /// Whether this is one of two independent events of which at least one happens with this probability.
        var isOneOfTwo = false
    }

    private var amounts: [Parameter: (amount: Amount, event: Event)] = [:]
    private var (uniformCount, normalCount) = (0, 0)
    private let kept = KeptTensors()

    private func nextUniform() -> Int {
        uniformCount += 1
        return uniformCount - 1
    }

    /// Event with `multiplier` times the common probability.
    func event(_ multiplier: Double) -> Event { Event(column: nextUniform(), multiplier: multiplier) }

    /// Uniform in `range`.
    func number(in range: Range<Double>) -> Amount {
        Amount(
            column: nextUniform(), factor: range.upperBound - range.lowerBound, offset: range.lowerBound)
    }

    /// Uniform integer in `range`.
    func integer(in range: Range<Int>) -> Amount {
        Amount(
            column: nextUniform(), factor: Double(range.count), offset: Double(range.lowerBound),
            isWhole: true)
    }

    /// Nearest integer to a uniform number in `range`.
    func pixels(in range: Range<Double>) -> Amount {
        var amount = number(in: range)
        amount.offset += 0.5
        amount.isWhole = true
        return amount
    }

    /// N(0, deviation²).
    func normal(_ deviation: Double) -> Amount {
        normalCount += 1
        return Amount(column: AugmentationDraws.uniformCount + normalCount - 1, factor: deviation)
    }

    /// 2 to the power of N(0, deviation²).
    func power(_ deviation: Double) -> Amount {
        var amount = normal(deviation)
        amount.isPower = true
        return amount
    }

    /// Gives a parameter an amount if the event happens. Otherwise it has its identity.
    func set(_ parameter: Parameter, to amount: Amount, if event: Event) {
        amounts[parameter] = (amount, event)
    }

    /// Parameters of the pictures of the draws.
    /// - Parameters:
    ///   - draws: random values of N pictures.
    ///   - probability: common probability of all events, shape [], float64.
    func callAsFunction(_ draws: AugmentationDraws, probability: Tensor) -> ParameterTable<Parameter> {
        let values = draws.values
        let device = values.device
        func integers(_ name: String, _ value: @escaping (Amount, Event) -> Int) -> Tensor {
            kept(name, on: device, .int64) { Tensor(rows(value)) }
        }
        func numbers(_ name: String, _ value: @escaping (Amount, Event) -> Double) -> Tensor {
            kept(name, on: device) { Tensor(doubles: rows(value)) }
        }
        func flags(_ name: String, _ value: @escaping (Amount, Event) -> Bool) -> Tensor {
            kept(name, on: device, .bool) {
                let flags: [Int] = rows { value($0, $1) ? 1 : 0 }
                return Tensor(flags)
            }
        }
        let sums =
            values.indexSelect(1, integers("columns") { amount, _ in amount.column })
            * numbers("factors") { amount, _ in amount.factor }
            + numbers("offsets") { amount, _ in amount.offset }
        let rounded = op("floor", [sums], #fileID, #line)
            .where(flags("whole") { amount, _ in amount.isWhole }, else: sums)
        let powers = op("exp2", [rounded], #fileID, #line)
            .where(flags("powers") { amount, _ in amount.isPower }, else: rounded)

        let each = probability * numbers("multipliers") { _, event in event.multiplier }
        let limits = (1 - (1 - each).sqrt()).where(
            flags("of two") { _, event in event.isOneOfTwo }, else: each)
        let happens = values.indexSelect(1, integers("events") { _, event in event.column })
            .less(than: limits)
        let identities = kept("identities", on: device) {
            Tensor(doubles: Parameter.allCases.map(\.identity))
        }
        return ParameterTable(powers.where(happens, else: identities))
    }

    /// One value per parameter.
    private func rows<Value>(_ value: (Amount, Event) -> Value) -> [Value] {
        Parameter.allCases.map { parameter in
            guard let row = amounts[parameter] else { fatalError("augmentation: no amount of \(parameter)") }
            return value(row.amount, row.event)
        }
    }
}
