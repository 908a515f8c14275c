import Torch

/// An algorithm that updates parameters by their gradients. Its state can be saved and restored exactly.
public protocol Optimizer: AnyObject {
    /// Parameters with unique keys, in the order of the gradients.
    var parameters: [(key: String, parameter: Parameter)] { get }

    /// Learning rate of the next step. In recorded work it is a tensor.
    var learningRate: Factor { get set }

    /// Performs one step. On CUDA, and with a tensor as the learning rate, it reads no tensor on the host.
    /// - Parameter gradients: one per parameter, of its shape; a parameter with a nil gradient does not change.
    func step(_ gradients: [Tensor?])

    /// State tensors by key, such as "mean.main.0.weight", without the parameters.
    var state: [(key: String, tensor: Tensor)] { get }
}

/// An optimizer whose second decay rate can change between steps, such as Adam.
public protocol SecondMomentOptimizer: Optimizer {
    /// Decay rate of the mean squared gradient in the next step. In recorded work that changes it, it is a tensor.
    var beta2: Factor { get set }
}

extension Optimizer {
    /// Restores a saved state in place.
    /// - Parameter saved: tensors with the keys and shapes of `state`.
    /// - Throws: `StateMismatch` if keys or shapes differ. No value has changed then.
    public func load(_ saved: [(key: String, tensor: Tensor)]) throws {
        let report = mismatch(with: saved)
        guard report.isEmpty else { throw report }
        let given = Dictionary(saved.map { ($0.key, $0.tensor) }, uniquingKeysWith: { first, _ in first })
        withoutGradients { for (key, tensor) in state { tensor.copy_(given[key]!) } }
    }

    /// Sets the state to that of an optimizer before its first step.
    public func reset() {
        withoutGradients { for (_, tensor) in state { tensor.zero_() } }
    }

    /// Differences in keys and shapes between this optimizer and a state; empty if `load` accepts it.
    public func mismatch(with saved: [(key: String, tensor: Tensor)]) -> StateMismatch {
        StateMismatch(own: state, given: saved)
    }

    /// Zeros for each parameter, with its shape, device and memory format.
    func buffers() -> [Tensor] {
        require(
            Set(parameters.map(\.key)).count == parameters.count,
            "\(type(of: self)): two parameters have the same key; add a prefix to the keys of each network")
        return parameters.map { Tensor.zeros(like: $0.parameter.value.detached()) }
    }

    /// State entries with the keys "name.parameter key", for one tensor per parameter.
    func keyed(_ name: String, _ tensors: [Tensor]) -> [(key: String, tensor: Tensor)] {
        zip(parameters, tensors).map { ("\(name).\($0.key)", $1) }
    }

    /// Gradients of a loss for `step`.
    /// - Parameters:
    ///   - loss: scalar, shape [].
    ///   - retainGraph: keep the tape for another backward pass.
    /// - Returns: one gradient per parameter, of its shape; nil for frozen parameters and where the loss does not
    ///   depend
    ///   on the parameter.
    public func gradients(of loss: Tensor, retainGraph: Bool = false) -> [Tensor?] {
        let trained = parameters.indices.filter { !parameters[$0].parameter.isFrozen }
        var found = [Tensor?](repeating: nil, count: parameters.count)
        guard !trained.isEmpty else { return found }
        let values = trained.map { parameters[$0].parameter.value }
        let results = Torch.gradients(of: [loss], wrt: values, retainGraph: retainGraph)
        for (index, gradient) in zip(trained, results) { found[index] = gradient }
        return found
    }

    /// The tensor with the device, dtype and strides of the parameter at `index`; a copy only if they differ.
    func matchingLayout(_ index: Int, _ tensor: Tensor) -> Tensor {
        let value = parameters[index].parameter.value
        if tensor.strides == value.strides, tensor.device == value.device, tensor.dtype == value.dtype {
            return tensor
        }
        let copy = Tensor.zeros(like: value)
        copy.copy_(tensor)
        return copy
    }

    /// Gives state tensors the layout of their parameters, which may have moved since.
    func matchLayouts(_ buffers: inout [Tensor], _ indices: [Int]) {
        for index in indices { buffers[index] = matchingLayout(index, buffers[index]) }
    }

    /// Indices of the parameters that have a gradient.
    func indicesWithGradients(_ gradients: [Tensor?]) -> [Int] {
        require(
            gradients.count == parameters.count,
            "\(type(of: self)): expected \(parameters.count) gradients, got \(gradients.count)")
        return gradients.indices.filter { gradients[$0] != nil }
    }
}

/// Scales gradients by one factor so that their total Euclidean norm is at most `maxNorm`.
///
/// Equals `torch.nn.utils.clip_grad_norm_`. The call does not wait for the device.
/// - Returns: the total norm before scaling, shape [].
@discardableResult
public func clipGradients(_ gradients: inout [Tensor?], maxNorm: Double) -> Tensor {
    guard let norm = jointNorm(gradients) else { return Tensor(0) }
    return withoutGradients {
        let factor = (Tensor.full([], maxNorm, on: norm.device) / (norm + 1e-6)).clamped(0...1)
        // Not in place, because gradients may share memory.
        gradients = gradients.map { $0.map { $0 * factor } }
        return norm
    }
}

/// Total Euclidean norm of all gradients, shape []; nil if all gradients are nil.
public func jointNorm(_ gradients: [Tensor?]) -> Tensor? {
    withoutGradients {
        let norms = gradients.compactMap { $0?.norm() }
        return norms.isEmpty ? nil : Tensor.stacked(norms).norm()
    }
}
