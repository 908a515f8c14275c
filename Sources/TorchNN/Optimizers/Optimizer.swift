import Torch

/// Changes parameters by their gradients; its state can be saved and taken back exactly.
public protocol Optimizer: AnyObject {
    /// The parameters and their keys, in the order of the gradients.
    var parameters: [(key: String, parameter: Parameter)] { get }

    /// Step size; set by a schedule before each step.
    var learningRate: Double { get set }

    /// One step; a nil gradient leaves its parameter as it is. Gradients have the parameters' shapes.
    func step(_ gradients: [Tensor?])

    /// Everything but the parameters, by key: "mean.main.0.weight", "step".
    var state: [(key: String, tensor: Tensor)] { get }
}

extension Optimizer {
    /// Takes a saved state, in place. Throws `StateMismatch` before anything has changed.
    public func load(_ saved: [(key: String, tensor: Tensor)]) throws {
        let report = mismatch(with: saved)
        guard report.isEmpty else { throw report }
        let given = Dictionary(saved.map { ($0.key, $0.tensor) }, uniquingKeysWith: { first, _ in first })
        withoutGradients { for (key, tensor) in state { tensor.copy_(given[key]!) } }
    }

    /// Forgets all steps so far.
    public func reset() {
        withoutGradients { for (_, tensor) in state { tensor.zero_() } }
    }

    /// What would keep `load` from taking a state.
    public func mismatch(with saved: [(key: String, tensor: Tensor)]) -> StateMismatch {
        StateMismatch(own: state, given: saved)
    }

    /// One named buffer for each parameter, of its shape, place and memory format.
    func buffers() -> [Tensor] {
        require(
            Set(parameters.map(\.key)).count == parameters.count,
            "\(type(of: self)): two parameters have one key; give the keys of each network a prefix")
        return parameters.map { Tensor.zeros(like: $0.parameter.value.detached()) }
    }

    func named(_ name: String, _ tensors: [Tensor]) -> [(key: String, tensor: Tensor)] {
        zip(parameters, tensors).map { ("\(name).\($0.key)", $1) }
    }

    /// Gradients of a loss for `step`: nil for frozen parameters and for those that it does not depend on.
    public func gradients(of loss: Tensor, retainGraph: Bool = false) -> [Tensor?] {
        let trained = parameters.indices.filter { !parameters[$0].parameter.isFrozen }
        var found = [Tensor?](repeating: nil, count: parameters.count)
        guard !trained.isEmpty else { return found }
        let values = trained.map { parameters[$0].parameter.value }
        let results = Torch.gradients(of: [loss], wrt: values, retainGraph: retainGraph)
        for (index, gradient) in zip(trained, results) { found[index] = gradient }
        return found
    }

    /// A tensor brought to its parameter's device, type and memory layout.
    func beside(_ index: Int, _ tensor: Tensor) -> Tensor {
        let value = parameters[index].parameter.value
        if tensor.strides == value.strides, tensor.device == value.device, tensor.dtype == value.dtype {
            return tensor
        }
        let copy = Tensor.zeros(like: value)
        copy.copy_(tensor)
        return copy
    }

    /// Lets buffers follow their parameters, which may have moved since the buffers were made or loaded.
    func align(_ buffers: inout [Tensor], _ indices: [Int]) {
        for index in indices { buffers[index] = beside(index, buffers[index]) }
    }

    /// Indices of the parameters that have a gradient.
    func present(_ gradients: [Tensor?]) -> [Int] {
        require(
            gradients.count == parameters.count,
            "\(type(of: self)): expected \(parameters.count) gradients, got \(gradients.count)")
        return gradients.indices.filter { gradients[$0] != nil }
    }
}

/// Scales gradients together so that their joint Euclidean norm is at most `maxNorm`; gives the norm before.
///
/// The norm stays a tensor, so that nothing waits for the device.
@discardableResult
public func clipGradients(_ gradients: inout [Tensor?], maxNorm: Double) -> Tensor {
    guard let norm = jointNorm(gradients) else { return Tensor(0) }
    return withoutGradients {
        let factor = (Tensor.full([], maxNorm, on: norm.device) / (norm + 1e-6)).clamped(0...1)
        // Not in place: two gradients may share their memory.
        gradients = gradients.map { $0.map { $0 * factor } }
        return norm
    }
}

/// Joint Euclidean norm of gradients, []; nil where there are none.
public func jointNorm(_ gradients: [Tensor?]) -> Tensor? {
    withoutGradients {
        let norms = gradients.compactMap { $0?.norm() }
        return norms.isEmpty ? nil : Tensor.stacked(norms).norm()
    }
}
