import Torch
import TorchNN

/// Sums of losses and scores over steps, on the device, so that a step does not wait for the host.
public struct StepStatistics {
    /// Means over steps.
    public struct Means: Sendable, Equatable {
        /// Mean loss of the discriminator, with regularizers.
        public let discriminatorLoss: Double
        /// Mean loss of the generator, without regularizers.
        public let generatorLoss: Double
        /// Mean of D(x) for real pictures, 0...1; unbounded for a critic.
        public let realScore: Double
        /// Mean of D(G(z)) before the generator step, 0...1; unbounded for a critic.
        public let fakeScore: Double
    }

    // [discriminator loss, D(real), D(fake), discriminator steps, generator loss, generator steps]
    private let sums: Tensor

    init(device: Device) { sums = Tensor.zeros([6], on: device) }

    /// Adds a step of the discriminator: [] each.
    func add(discriminatorLoss: Tensor, realScore: Tensor, fakeScore: Tensor) {
        let one = Tensor.ones(like: discriminatorLoss)
        sums[0..<4].add_(
            Tensor.stacked([discriminatorLoss, realScore, fakeScore, one].map { $0.detached() }))
    }

    /// Adds a step of the generator: [].
    func add(generatorLoss: Tensor) {
        sums[4..<6].add_(Tensor.stacked([generatorLoss.detached(), Tensor.ones(like: generatorLoss)]))
    }

    /// The first loss whose sum is not finite, for a message. Waits for the device.
    var firstNotFinite: String? {
        let values = sums.floats()
        if !values[0].isFinite { return "the discriminator's loss" }
        if !values[4].isFinite { return "the generator's loss" }
        return nil
    }

    /// Means so far. Waits for the device.
    var means: Means {
        let values = sums.floats().map(Double.init)
        let (discriminatorSteps, generatorSteps) = (max(1, values[3]), max(1, values[5]))
        return Means(
            discriminatorLoss: values[0] / discriminatorSteps,
            generatorLoss: values[4] / generatorSteps,
            realScore: values[1] / discriminatorSteps,
            fakeScore: values[2] / discriminatorSteps)
    }

    /// Sets all sums to 0, in place.
    func reset() { withoutGradients { sums.zero_() } }

    /// Tensors of a saved state.
    var state: [(key: String, tensor: Tensor)] { [("sums", sums)] }
}

/// Means of named values over steps, on the device, so that a step does not wait for the host.
struct NamedMeans {
    private let names: [String]
    // Sum and count for each name: [names, 2].
    private let sums: Tensor

    init(_ names: [String], on device: Device) {
        self.names = names
        sums = Tensor.zeros([names.count, 2], on: device)
    }

    /// Adds values [] of a step, for all names or for some.
    func add(_ values: [String: Tensor]) {
        withoutGradients {
            precondition(Set(values.keys).isSubset(of: names), "NamedMeans: unknown name in \(values.keys)")
            for (row, name) in names.enumerated() {
                guard let value = values[name]?.detached().to(.float32) else { continue }
                sums[row].add_(Tensor.stacked([value, Tensor.ones(like: value)]))
            }
        }
    }

    /// Returns the means of names with values, and resets all sums.
    /// - Parameter places: name, curve, and place on the progress line, in the order of the result.
    func takeScalars(_ places: [(name: String, curve: String, place: (group: String, label: String))])
        -> [Scalar]
    {
        let values = sums.floats().map(Double.init)
        withoutGradients { sums.zero_() }
        return places.compactMap { name, curve, place in
            guard let row = names.firstIndex(of: name), values[2 * row + 1] > 0 else { return nil }
            return Scalar(name, curve, place, values[2 * row] / values[2 * row + 1])
        }
    }

    /// The first name whose sum is not finite. Waits for the device.
    var firstNotFinite: String? {
        let values = sums.floats()
        return names.enumerated().first { !values[2 * $0.offset].isFinite }?.element
    }

    /// Tensors of a saved state.
    var state: [(key: String, tensor: Tensor)] { [("sums", sums)] }
}

/// Sums of values for the supervisor over steps, on the device, so that a step does not wait for the host.
struct HealthStatistics {
    // [measurements of the discriminator, accuracy, logit gap, discriminator steps, gradient norm, penalty, generator steps,
    // gradient norm, diversity]
    private let sums: Tensor
    /// Side to which pictures are pooled for the diversity, in pixels.
    private static let side = 8
    /// Maximum number of pictures of a batch for the diversity.
    private static let maxCount = 32

    init(device: Device) { sums = Tensor.zeros([9], on: device) }

    /// Adds a measurement of the discriminator on a batch: accuracy and difference of mean logits, [] each.
    func add(accuracy: Tensor, gap: Tensor) {
        sums[0..<3].add_(Tensor.stacked([Tensor.ones(like: accuracy), accuracy, gap]))
    }

    /// Adds a step of the discriminator: joint norm of its gradients, and penalty, [] each.
    func add(discriminatorGradient: Tensor, penalty: Tensor?) {
        sums[3..<6].add_(
            Tensor.stacked([
                Tensor.ones(like: discriminatorGradient), discriminatorGradient,
                penalty?.to(.float32) ?? Tensor.zeros(like: discriminatorGradient),
            ]))
    }

    /// Adds a step of the generator: joint norm of its gradients, [], and pictures [N, 3, R, R].
    func add(generatorGradient: Tensor, fake: Tensor, real: Tensor) {
        let diversity = (Self.spread(fake) / Self.spread(real).clampedBelow(1e-8)).sqrt()
        sums[6..<9].add_(
            Tensor.stacked([Tensor.ones(like: generatorGradient), generatorGradient, diversity]))
    }

    /// Joint norm of gradients, []; 0 without gradients.
    static func norm(_ gradients: [Tensor?], on device: Device) -> Tensor {
        jointNorm(gradients)?.to(.float32) ?? Tensor.zeros([], on: device)
    }

    /// Sum of the variances of all pixels over a batch, which is half the mean squared distance of two pictures.
    private static func spread(_ pictures: Tensor) -> Tensor {
        let pictures = pictures.detached()[0..<min(maxCount, pictures.shape[0])].to(.float32)
        let small = pictures.shape[2] > side ? pictures.adaptiveAveragePool2d(side) : pictures
        return small.variance([0], unbiased: true).sum()
    }

    /// Means since the last report. Waits for the device.
    /// - Parameters:
    ///   - regularized: whether the discriminator has regularizers.
    ///   - adaptive: whether the number of discriminator steps is adaptive.
    func values(regularized: Bool, adaptive: Bool) -> HealthValues {
        let values = sums.floats().map(Double.init)
        let (measured, trained, generated) = (max(1, values[0]), max(1, values[3]), max(1, values[6]))
        return HealthValues(
            accuracy: values[1] / measured, logitGap: values[2] / measured,
            discriminatorGradient: values[4] / trained, generatorGradient: values[7] / generated,
            diversity: values[8] / generated, penalty: regularized ? values[5] / trained : nil,
            trainedFraction: adaptive ? values[3] / measured : nil)
    }

    /// Sets all sums to 0, in place.
    func reset() { withoutGradients { sums.zero_() } }

    /// Tensors of a saved state.
    var state: [(key: String, tensor: Tensor)] { [("sums", sums)] }
}

/// Means of values for the supervisor over some training steps.
public struct HealthValues: Sendable, Equatable {
    /// Accuracy of the discriminator on both kinds of pictures, 0...1.
    public var accuracy: Double
    /// Mean logit of real pictures minus that of generated ones.
    public var logitGap: Double
    /// Joint norm of the discriminator's gradients.
    public var discriminatorGradient: Double
    /// Joint norm of the generator's gradients.
    public var generatorGradient: Double
    /// Standard deviation of generated pictures relative to that of real pictures.
    public var diversity: Double
    /// Sum of the discriminator's regularizers; nil without regularizers.
    public var penalty: Double?
    /// Fraction of measurements of the discriminator that were followed by an optimizer step; nil if all are.
    public var trainedFraction: Double?

    /// Creates values.
    public init(
        accuracy: Double, logitGap: Double, discriminatorGradient: Double, generatorGradient: Double,
        diversity: Double, penalty: Double? = nil, trainedFraction: Double? = nil
    ) {
        (self.accuracy, self.logitGap, self.diversity) = (accuracy, logitGap, diversity)
        (self.discriminatorGradient, self.generatorGradient) = (discriminatorGradient, generatorGradient)
        (self.penalty, self.trainedFraction) = (penalty, trainedFraction)
    }

    /// Values for log and curves.
    public var scalars: [Scalar] {
        [
            Scalar("accuracy", "health/accuracy", accuracy),
            Scalar("logitGap", "health/logit gap", logitGap),
            Scalar("gradientD", "health/gradient of discriminator", discriminatorGradient),
            Scalar("gradientG", "health/gradient of generator", generatorGradient),
            Scalar("diversity", "health/diversity", diversity),
        ] + (penalty.map { [Scalar("penalty", "health/penalty", $0)] } ?? [])
            + (trainedFraction.map { [Scalar("trainedFraction", "health/steps of discriminator", $0)] } ?? [])
    }
}
