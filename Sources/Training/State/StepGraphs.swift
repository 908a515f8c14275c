import Datasets
import Torch

/// Runs the work of training steps: on CUDA as graphs that are recorded once for each kind of step, otherwise directly.
///
/// The inputs of recorded work are in tensors that stay in place.
public final class StepGraphs {
    private let recorder: GraphRecorder
    private let inputs: StepInputs
    private let device: Device
    private var places: [String: Tensor] = [:]

    /// Creates graphs of a trainer. Selects the stream for all work of this thread, so it precedes all other work.
    init(on device: Device) {
        self.device = device
        recorder = GraphRecorder(on: device)
        inputs = StepInputs(on: device)
    }

    // MARK: Settings

    /// Reason why steps run without CUDA graphs although they were requested; nil if there is none.
    public var obstacle: String? { device == .cpu ? nil : recorder.obstacle }

    /// Runs all steps without CUDA graphs from now on.
    public func turnOff() { recorder.turnOff(because: nil) }

    /// Runs all steps without CUDA graphs from now on, and reports a reason.
    func turnOff(because reason: String) { recorder.turnOff(because: reason) }

    /// Copies the pictures of a store to the device. Batches then need no pixels.
    func keepPictures(of store: FaceStore) { inputs.resident = ResidentPictures(of: store, on: device) }

    /// Runs all steps as CUDA would record them: a check on the CPU, which traps if a step cannot be recorded.
    package func rehearse() { recorder.rehearse() }

    /// Number of kinds of steps that were recorded.
    package var recordedKinds: Int { recorder.recordedKinds }

    // MARK: Steps

    /// A number of the work that can change from step to step.
    func factor(_ value: @escaping () -> Double) -> Factor { recorder.factor(value) }

    /// Whether the work is recorded, or runs as if it were.
    var isOn: Bool { recorder.isOn }

    /// Runs work with loaded batches.
    /// - Parameters:
    ///   - kind: everything that changes the work, apart from factors.
    ///   - work: work on the device. A replay does not call it.
    func run(_ kind: GraphRecorder.Kind, _ work: () -> Void) { recorder.run(kind, work) }

    /// Loads the batches of a step.
    /// - Parameters:
    ///   - batches: batches of one size.
    ///   - columns: columns of the labels, and the number of columns of the result.
    /// - Returns: function from the index of a batch to pictures [N, 3, R, R] in -1...1 and labels [N, K].
    func load(_ batches: [ImageBatch], _ columns: (asked: [Int], width: Int)) -> (Int) -> (
        pictures: Tensor, labels: Tensor?
    ) {
        if isOn {
            inputs.load(batches, columns)
            return { [inputs] in inputs[$0] }
        }
        return { [inputs] in inputs.tensors(of: batches[$0], columns) }
    }

    /// Pictures [N, 3, R, R] in -1...1 and labels [N, K] of a batch, in tensors of their own.
    func tensors(
        of batch: ImageBatch, _ columns: (asked: [Int], width: Int)
    ) -> (pictures: Tensor, labels: Tensor?) {
        inputs.tensors(of: batch, columns)
    }

    /// The values of a tensor, for recorded work in a tensor that stays in place.
    /// - Parameters:
    ///   - tensor: result of work that is not recorded. Its shape is part of the kind.
    ///   - name: name of the place.
    func inPlace(_ tensor: Tensor, _ name: String) -> Tensor {
        guard isOn else { return tensor }
        if places[name]?.shape != tensor.shape { places[name] = tensor.cloned() }
        let place = places[name]!
        withoutGradients { place.copy_(tensor) }
        return place
    }
}
