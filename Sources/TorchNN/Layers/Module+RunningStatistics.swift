import Torch

// A batch counts once, however often it is computed.
extension Module {
    /// Running statistics for a normalization to move; a copy where they have moved already.
    func running(_ buffer: Buffer) -> Tensor {
        isTraining && Recompute.isActive ? buffer.value.cloned() : buffer.value
    }

    /// Adds 1 to a count of batches.
    func countBatch(_ tracked: Buffer) {
        if Recompute.isActive { return }
        withoutGradients { tracked.value.add_(Tensor.ones(like: tracked.value)) }
    }
}
