import Torch
import TorchNN

/// Sums over steps of what a supervisor looks at, kept on the device so that nothing waits for it.
struct HealthStatistics {
    // [looks of the discriminator, accuracy, gap, its steps, gradient, penalty, the generator's steps, gradient, diversity]
    private let sums: Tensor
    /// Side that pictures are pooled to before they are compared.
    private static let side = 8
    /// Pictures of a batch that are compared: the mean over steps has plenty.
    private static let most = 32

    init(device: Device) { sums = Tensor.zeros([9], on: device) }

    /// What the discriminator said of a batch: [] each.
    func add(accuracy: Tensor, gap: Tensor) {
        sums[0..<3].add_(Tensor.stacked([Tensor.ones(like: accuracy), accuracy, gap]))
    }

    /// A step of the discriminator: joint norm of its gradients and its penalty, [] each.
    func add(discriminatorGradient: Tensor, penalty: Tensor?) {
        sums[3..<6].add_(
            Tensor.stacked([
                Tensor.ones(like: discriminatorGradient), discriminatorGradient,
                penalty?.to(.float32) ?? Tensor.zeros(like: discriminatorGradient),
            ]))
    }

    /// A step of the generator: joint norm of its gradients, [], and pictures [N, 3, R, R] of both kinds.
    func add(generatorGradient: Tensor, fake: Tensor, real: Tensor) {
        let diversity = (Self.spread(fake) / Self.spread(real).clampedBelow(1e-8)).sqrt()
        sums[6..<9].add_(
            Tensor.stacked([Tensor.ones(like: generatorGradient), generatorGradient, diversity]))
    }

    /// Joint norm of gradients; 0 where there are none.
    static func norm(_ gradients: [Tensor?], on device: Device) -> Tensor {
        jointNorm(gradients)?.to(.float32) ?? Tensor.zeros([], on: device)
    }

    /// Half the mean squared distance of two pictures of a batch: the sum of their pixels' variances.
    private static func spread(_ pictures: Tensor) -> Tensor {
        let pictures = pictures.detached()[0..<min(most, pictures.shape[0])].to(.float32)
        let small = pictures.shape[2] > side ? pictures.adaptiveAveragePool2d(side) : pictures
        return small.variance([0], unbiased: true).sum()
    }

    /// Means since the last report. Waits for the device.
    /// - Parameters:
    ///   - regularized: whether the discriminator has regularizers.
    ///   - adaptive: whether the number of its steps is adaptive.
    func values(regularized: Bool, adaptive: Bool) -> HealthValues {
        let values = sums.floats().map(Double.init)
        let (measured, trained, generated) = (max(1, values[0]), max(1, values[3]), max(1, values[6]))
        return HealthValues(
            accuracy: values[1] / measured, logitGap: values[2] / measured,
            discriminatorGradient: values[4] / trained, generatorGradient: values[7] / generated,
            diversity: values[8] / generated, penalty: regularized ? values[5] / trained : nil,
            trainedShare: adaptive ? values[3] / measured : nil)
    }

    var state: [(key: String, tensor: Tensor)] { [("sums", sums)] }
}

/// What the supervisor looks at: means over some training steps.
public struct HealthValues: Sendable, Equatable {
    /// Accuracy of the discriminator on both kinds of pictures, 0...1.
    public var accuracy: Double
    /// Mean logit of real pictures minus that of generated ones.
    public var logitGap: Double
    /// Joint norm of the discriminator's gradients.
    public var discriminatorGradient: Double
    /// Joint norm of the generator's gradients.
    public var generatorGradient: Double
    /// Spread of generated pictures over that of real ones.
    public var diversity: Double
    /// Sum of the discriminator's regularizers; nil without any.
    public var penalty: Double?
    /// Fraction of the discriminator's steps that trained it; nil where all do.
    public var trainedShare: Double?

    public init(
        accuracy: Double, logitGap: Double, discriminatorGradient: Double, generatorGradient: Double,
        diversity: Double, penalty: Double? = nil, trainedShare: Double? = nil
    ) {
        (self.accuracy, self.logitGap, self.diversity) = (accuracy, logitGap, diversity)
        (self.discriminatorGradient, self.generatorGradient) = (discriminatorGradient, generatorGradient)
        (self.penalty, self.trainedShare) = (penalty, trainedShare)
    }

    /// The values for log and curves.
    public var scalars: [Scalar] {
        [
            Scalar("accuracy", "health/accuracy", accuracy),
            Scalar("logitGap", "health/logit gap", logitGap),
            Scalar("gradientD", "health/gradient of discriminator", discriminatorGradient),
            Scalar("gradientG", "health/gradient of generator", generatorGradient),
            Scalar("diversity", "health/diversity", diversity),
        ] + (penalty.map { [Scalar("penalty", "health/penalty", $0)] } ?? [])
            + (trainedShare.map { [Scalar("learnt", "health/steps of discriminator", $0)] } ?? [])
    }
}
