import Torch

/// Sums of losses and scores over steps, kept on the device so that nothing waits for it.
public struct StepStatistics {
    /// What a line of the log says.
    public struct Means: Sendable, Equatable {
        public let discriminatorLoss: Double
        public let generatorLoss: Double
        /// Mean of D(x) for real pictures, 0...1; without bounds for a critic.
        public let realScore: Double
        /// Mean of D(G(z)) before the generator's step.
        public let fakeScore: Double
    }

    // [discriminator loss, D(real), D(fake), its steps, generator loss, its steps]
    private let sums: Tensor

    init(device: Device) { sums = Tensor.zeros([6], on: device) }

    func add(discriminatorLoss: Tensor, realScore: Tensor, fakeScore: Tensor) {
        let one = Tensor.ones(like: discriminatorLoss)
        sums[0..<4].add_(
            Tensor.stacked([discriminatorLoss, realScore, fakeScore, one].map { $0.detached() }))
    }

    func add(generatorLoss: Tensor) {
        sums[4..<6].add_(Tensor.stacked([generatorLoss.detached(), Tensor.ones(like: generatorLoss)]))
    }

    /// Waits for the device.
    var firstNotFinite: String? {
        let values = sums.floats()
        if !values[0].isFinite { return "the discriminator's loss" }
        if !values[4].isFinite { return "the generator's loss" }
        return nil
    }

    /// Waits for the device.
    var means: Means {
        let values = sums.floats().map(Double.init)
        let (judged, made) = (max(1, values[3]), max(1, values[5]))
        return Means(
            discriminatorLoss: values[0] / judged, generatorLoss: values[4] / made,
            realScore: values[1] / judged,
            fakeScore: values[2] / judged)
    }

    var state: [(key: String, tensor: Tensor)] { [("sums", sums)] }
}
