import Torch

/// Equalized learning rate (Karras et al. 2018, section 4.1): weights of one size whatever the layer, multiplied as they
/// are used, so that a step of Adam moves every layer alike.
struct EqualizedRate {
    /// What the weight is multiplied by, gain * rate / sqrt(fanIn).
    let scale: Double
    /// What the bias is multiplied by, and the layer's part of the learning rate.
    let rate: Double

    init(weight shape: [Int], gain: Double, rate: Double) {
        scale = gain * rate / Initializer.fans(shape).fanIn.squareRoot()
        self.rate = rate
    }

    /// The weight as it is used.
    func weight(_ weight: Parameter) -> Tensor { weight.value * scale }

    /// The bias as it is used.
    func bias(_ bias: Parameter?) -> Tensor? {
        rate == 1 ? bias?.value : bias.map { $0.value * rate }
    }

    /// N(0, 1 / rate), so that the weight is used with deviation gain / sqrt(fanIn); biases that are used as `start`.
    func initialize(_ weight: Parameter, _ bias: Parameter?, start: Double, _ random: RandomSource) {
        Initializer.normal(deviation: 1 / rate).fill(weight.value, random: random)
        if let bias { Initializer.constant(start / rate).fill(bias.value, random: random) }
    }
}
