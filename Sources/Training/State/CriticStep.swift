import Models
import Objectives
import Torch

/// The loss of a discriminator on real and generated pictures, for all trainers.
struct CriticStep {
    /// Logits of real and generated pictures, and the loss without regularizers.
    struct Output {
        /// Logits of real pictures, [N] or [N, S].
        let real: Tensor
        /// Logits of generated pictures, [N] or [N, S].
        let fake: Tensor
        /// Loss, [].
        var loss: Tensor
    }

    let loss: AdversarialLoss
    /// Whether real and generated pictures need separate batches (`Discriminator.usesBatchStatistics`).
    let separatesBatches: Bool
    /// Factor of the adversarial loss.
    var factor = 1.0
    /// Pictures and their labels to logits in float32, with augmentation.
    let discriminate: (_ images: Tensor, _ labels: Tensor?) -> DiscriminatorOutput
    /// Further terms of the loss on real pictures, such as classification and drift; nil for none.
    var realTerms: (DiscriminatorOutput) -> Tensor?

    /// Computes the loss and its gradients.
    /// - Parameters:
    ///   - real: [N, 3, H, W].
    ///   - fake: of the same shape, detached.
    ///   - realLabels: [N, K]; nil for an unconditional discriminator.
    ///   - fakeLabels: [N, K].
    ///   - weights: tensors for which gradients are computed.
    func callAsFunction(
        real: Tensor, fake: Tensor, realLabels: Tensor? = nil, fakeLabels: Tensor? = nil,
        wrt weights: [Tensor]
    ) -> (output: Output, gradients: [Tensor?]) {
        guard separatesBatches else {
            let count = real.shape[0]
            let labels = realLabels.flatMap { a in fakeLabels.map { Tensor.concatenated([a, $0]) } }
            let both = discriminate(Tensor.concatenated([real, fake.to(real.dtype)]), labels)
            return joint(both[0..<count], both[count..<(2 * count)], weights)
        }
        let first = discriminate(real, realLabels)
        // Relativistic losses need both logits.
        if loss.isRelativistic { return joint(first, discriminate(fake, fakeLabels), weights) }
        // The graph of the first batch is freed before the second one is built.
        var realLoss = first.allLogits.map { loss.real($0) }.total * factor
        if let terms = realTerms(first) { realLoss = realLoss + terms }
        var found = gradients(of: [realLoss], wrt: weights)
        let second = discriminate(fake, fakeLabels)
        let fakeLoss = second.allLogits.map { loss.fake($0) }.total * factor
        addGradients(of: fakeLoss, wrt: weights, to: &found)
        let total = withoutGradients { realLoss + fakeLoss }
        return (Output(real: first.logits, fake: second.logits, loss: total), found)
    }

    private func joint(
        _ real: DiscriminatorOutput, _ fake: DiscriminatorOutput, _ weights: [Tensor]
    ) -> (Output, [Tensor?]) {
        var total =
            zip(real.allLogits, fake.allLogits).map { loss.discriminator(real: $0, fake: $1) }.total * factor
        if let terms = realTerms(real) { total = total + terms }
        return (
            Output(real: real.logits, fake: fake.logits, loss: total), gradients(of: [total], wrt: weights)
        )
    }
}

extension DiscriminatorOutput {
    /// Logits with a loss each: of pictures or patches, and of pixels.
    var allLogits: [Tensor] { [logits, pixels].compactMap { $0 } }

    /// Output of some pictures.
    subscript(rows: Range<Int>) -> DiscriminatorOutput {
        var part = DiscriminatorOutput(logits: logits[rows], attributes: attributes.map { $0[rows] })
        part.pixels = pixels.map { $0[rows] }
        return part
    }

    /// Logits in float32.
    var single: DiscriminatorOutput {
        var output = self
        output.logits = logits.to(.float32)
        output.pixels = pixels?.to(.float32)
        return output
    }
}

extension [Tensor] {
    /// The sum of at least one tensor.
    var total: Tensor { dropFirst().reduce(self[0]) { $0 + $1 } }
}
