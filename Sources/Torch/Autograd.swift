import CTorch

extension Tensor {
    /// Whether gradients flow to this tensor.
    public var requiresGradient: Bool { handle.map { api.requires_grad($0) } ?? false }

    /// Makes a leaf tensor collect gradients, or stop.
    @discardableResult
    public func requiringGradient(
        _ value: Bool = true, file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        if let handle {
            check(
                api.set_requires_grad(handle, value), "requiringGradient of \(summary)", file: file,
                line: line)
        }
        return self
    }

    /// The gradient that `backward` collected here, if any; setting nil frees it.
    public var gradient: Tensor? {
        get {
            guard let handle else { return nil }
            var out: ct_tensor?
            check(api.grad_of(handle, &out), "gradient of \(summary)")
            return out.map { Tensor(owning: $0) }
        }
        set {
            guard let handle else { return }
            withExtendedLifetime(newValue) {
                check(api.set_grad(handle, newValue?.handle), "gradient of \(summary)")
            }
        }
    }

    /// Adds the gradient of this scalar to every leaf that it depends on.
    /// - Parameter retainGraph: keep the tape for another pass. The default is to free it.
    public func backward(
        retainGraph: Bool = false, createGraph: Bool = false, file: StaticString = #fileID, line: UInt = #line
    ) {
        guard let handle else { return }
        let status = withExtendedLifetime(self) {
            api.backward(handle, nil, retainGraph || createGraph, createGraph)
        }
        settle(status, "backward", file, line)
    }
}

/// Gradients of a sum of outputs with respect to inputs; nil where an input does not matter.
/// - Parameters:
///   - createGraph: record the gradients' own computation, for penalties that differentiate them again.
///   - seeds: weights of the outputs, of their shapes. The default is ones for scalars.
public func gradients(
    of outputs: [Tensor], wrt inputs: [Tensor], seeds: [Tensor]? = nil, retainGraph: Bool = false,
    createGraph: Bool = false, file: StaticString = #fileID, line: UInt = #line
) -> [Tensor?] {
    let all = outputs + inputs + (seeds ?? [])
    guard all.allSatisfy({ $0.handle != nil }) else { return inputs.map { _ in Tensor(poisoned: ()) } }
    var out = [ct_tensor?](repeating: nil, count: inputs.count)
    let status = withExtendedLifetime(all) {
        let outputHandles = outputs.map(\.handle)
        let inputHandles = inputs.map(\.handle)
        let retain = retainGraph || createGraph
        if let seeds {
            let seedHandles = seeds.map(\.handle)
            return api.gradients(
                outputHandles, Int32(outputs.count), inputHandles, Int32(inputs.count), seedHandles, retain,
                createGraph, &out)
        }
        return api.gradients(
            outputHandles, Int32(outputs.count), inputHandles, Int32(inputs.count), nil, retain, createGraph,
            &out)
    }
    settle(status, "gradients", file, line)
    return out.map { $0.map { Tensor(owning: $0) } }
}

/// Traps on failure, except for out of memory inside a recovering scope.
private func settle(_ status: ct_status, _ what: String, _ file: StaticString, _ line: UInt) {
    if status == CT_OUT_OF_MEMORY, let scope = RecoveryScope.current {
        scope.error = scope.error ?? .outOfMemory("\(what): \(lastError())")
        return
    }
    check(status, what, file: file, line: line)
}

/// Runs `body` without recording a tape; the mode belongs to the thread, so the closure is synchronous.
public func withoutGradients<Result>(_ body: () throws -> Result) rethrows -> Result {
    let before = api.grad_mode()
    api.set_grad_mode(false)
    defer { api.set_grad_mode(before) }
    return try body()
}

/// Runs `body` with matrix products and convolutions in `dtype` (bfloat16 or float16) on `device`; nil changes nothing.
///
/// The mode belongs to the thread, so the closure is synchronous.
public func withAutocast<Result>(
    _ dtype: DType?, on device: Device, _ body: () throws -> Result
) rethrows -> Result {
    guard let dtype else { return try body() }
    var dtypeBefore: Int32 = 0
    let before = api.autocast(device.type, &dtypeBefore)
    check(api.set_autocast(device.type, true, dtype.rawValue), "autocast to \(dtype)")
    defer {
        check(api.set_autocast(device.type, before, dtypeBefore), "autocast")
        if !before { api.clear_autocast_cache() }
    }
    return try body()
}
