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

    /// Means since the beginning, as the log has them; waits for the device.
    func readings(penalized: Bool, turns: Bool) -> [Scalar] {
        let values = sums.floats().map(Double.init)
        let (looks, trained, made) = (max(1, values[0]), max(1, values[3]), max(1, values[6]))
        var readings = [
            Scalar("accuracy", "health/accuracy", values[1] / looks),
            Scalar("logitGap", "health/logit gap", values[2] / looks),
            Scalar("gradientD", "health/gradient of discriminator", values[4] / trained),
            Scalar("gradientG", "health/gradient of generator", values[7] / made),
            Scalar("diversity", "health/diversity", values[8] / made),
        ]
        if penalized { readings.append(Scalar("penalty", "health/penalty", values[5] / trained)) }
        if turns { readings.append(Scalar("learnt", "health/steps of discriminator", values[3] / looks)) }
        return readings
    }

    /// Its name in a saved state.
    static let section = "health"

    var state: [(key: String, tensor: Tensor)] { [("sums", sums)] }
}
