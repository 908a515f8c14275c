import CTorch

extension Tensor {
    /// Whether gradients flow to this tensor.
    public var requiresGradient: Bool { withHandle { api.requires_grad($0) } ?? false }

    /// Makes a leaf tensor collect gradients, or stop.
    @discardableResult
    public func requiringGradient(
        _ value: Bool = true, file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        withHandle {
            check(
                api.set_requires_grad($0, value), "requiringGradient of \(summary)", file: file, line: line)
        }
        return self
    }

    /// The gradient that `backward` collected here, if any; setting nil frees it.
    public var gradient: Tensor? {
        get {
            var out: ct_tensor?
            withHandle { check(api.grad_of($0, &out), "gradient of \(summary)") }
            return out.map { Tensor(handle: $0) }
        }
        set {
            if RecoveryScope.hasFailed { return }
            withHandle { handle in
                withExtendedLifetime(newValue) {
                    check(api.set_grad(handle, newValue?.handle), "gradient of \(summary)")
                }
            }
        }
    }

    /// Adds the gradient of this scalar to every leaf that it depends on.
    /// - Parameter retainGraph: keep the tape for another pass. The default is to free it.
    public func backward(
        retainGraph: Bool = false, createGraph: Bool = false, file: StaticString = #fileID, line: UInt = #line
    ) {
        if RecoveryScope.hasFailed { return }
        withHandle {
            check(
                api.backward($0, nil, retainGraph || createGraph, createGraph), "backward of \(summary)",
                file: file, line: line)
        }
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
    require(
        seeds == nil || seeds?.count == outputs.count,
        "gradients: expected a seed for each of \(outputs.count) outputs, got \(seeds?.count ?? 0)",
        file: file, line: line)
    func poisoned() -> [Tensor?] { inputs.map { _ in Tensor(handle: nil) } }
    if RecoveryScope.hasFailed { return poisoned() }
    var out = [ct_tensor?](repeating: nil, count: inputs.count)
    // The lists of handles are valid for as long as the tensors live.
    let status = withExtendedLifetime((outputs, inputs, seeds)) {
        api.gradients(
            outputs.map(\.handle), Int32(outputs.count), inputs.map(\.handle), Int32(inputs.count),
            seeds?.map(\.handle), retainGraph || createGraph, createGraph, &out)
    }
    let done = check(
        status, "gradients of \(outputs.map(\.summary)) with respect to \(inputs.map(\.summary))", file: file,
        line: line)
    return done ? out.map { $0.map { Tensor(handle: $0) } } : poisoned()
}

/// Adds the gradients of a scalar with respect to leaves to others, in place: less memory than both and their sum.
/// - Parameter found: of the leaves; nil stands for zero.
public func addGradients(
    of output: Tensor, wrt leaves: [Tensor], to found: inout [Tensor?], file: StaticString = #fileID,
    line: UInt = #line
) {
    require(
        found.count == leaves.count,
        "addGradients: expected gradients of \(leaves.count) leaves, got \(found.count)", file: file,
        line: line)
    if RecoveryScope.hasFailed { return }
    var out = found.map { $0?.handle }
    withExtendedLifetime((leaves, found)) {
        output.withHandle {
            _ = check(
                api.add_gradients($0, leaves.map(\.handle), Int32(leaves.count), &out),
                "gradients of \(output.summary) with respect to \(leaves.map(\.summary))", file: file,
                line: line)
        }
    }
    for index in found.indices where found[index] == nil {
        found[index] = out[index].map { Tensor(handle: $0) }
    }
}

/// Runs `body` without recording a tape; the mode belongs to the thread, so the closure is synchronous.
public func withoutGradients<Result>(_ body: () throws -> Result) rethrows -> Result {
    try recordingGradients(false, body)
}

/// Runs `body` with recording a tape, or without.
func recordingGradients<Result>(_ isRecording: Bool, _ body: () throws -> Result) rethrows -> Result {
    let before = api.grad_mode()
    api.set_grad_mode(isRecording)
    defer { api.set_grad_mode(before) }
    return try body()
}

/// Runs `body` with matrix products and convolutions in `dtype` (bfloat16 or float16) on `device`; float32 switches
/// that off, nil changes nothing.
///
/// The mode belongs to the thread, so the closure is synchronous. A weight is converted once in a scope and later
/// changes to it are not seen: leave the scope before the optimizer steps.
public func withAutocast<Result>(
    _ dtype: DType?, on device: Device, _ body: () throws -> Result
) rethrows -> Result {
    guard let dtype else { return try body() }
    require(
        [.bfloat16, .float16, .float32].contains(dtype),
        "autocast: expected BFloat16, Half or Float, got \(dtype)")
    var dtypeBefore: Int32 = 0
    let before = api.autocast(device.type, &dtypeBefore)
    func set(_ enabled: Bool, _ dtype: Int32) {
        check(api.set_autocast(device.type, enabled, dtype), "autocast")
        // The converted weights are kept without their type: those of another scope would be taken for ours.
        api.clear_autocast_cache()
    }
    set(dtype != .float32, dtype == .float32 ? dtypeBefore : dtype.rawValue)
    defer { set(before, dtypeBefore) }
    return try body()
}

// Operators over lists of tensors: one call for all parameters of a network.

/// Moves every tensor towards its partner: a += weight * (b - a), in place.
package func foreachLerp_(
    _ a: [Tensor], towards b: [Tensor], weight: Double, file: StaticString = #fileID, line: UInt = #line
) {
    ops("_foreach_lerp_.Scalar", [a, b, weight], results: 0, file, line)
}

/// Multiplies every tensor by a number, in place.
package func foreachMultiply_(
    _ a: [Tensor], by factor: Double, file: StaticString = #fileID, line: UInt = #line
) {
    ops("_foreach_mul_.Scalar", [a, factor], results: 0, file, line)
}

/// Multiplies every tensor by a tensor of one element, in place.
package func foreachMultiply_(
    _ a: [Tensor], by factor: Tensor, file: StaticString = #fileID, line: UInt = #line
) {
    ops("_foreach_mul_.Tensor", [a, factor], results: 0, file, line)
}

/// Copies every tensor's partner into it.
package func foreachCopy_(
    _ a: [Tensor], from b: [Tensor], file: StaticString = #fileID, line: UInt = #line
) {
    ops("_foreach_copy_", [a, b], results: 0, file, line)
}

/// Adds factor * partner to every tensor, in place.
package func foreachAdd_(
    _ a: [Tensor], _ b: [Tensor], factor: Double = 1, file: StaticString = #fileID, line: UInt = #line
) {
    ops("_foreach_add_.List", [a, b], named: ["alpha": factor], results: 0, file, line)
}

/// Adds factor * b * c to every tensor, in place.
package func foreachAddProduct_(
    _ a: [Tensor], _ b: [Tensor], _ c: [Tensor], factor: Double, file: StaticString = #fileID,
    line: UInt = #line
) {
    ops("_foreach_addcmul_.Scalar", [a, b, c, factor], results: 0, file, line)
}

/// Adds factor * b / c to every tensor, in place.
package func foreachAddQuotient_(
    _ a: [Tensor], _ b: [Tensor], _ c: [Tensor], factor: Double, file: StaticString = #fileID,
    line: UInt = #line
) {
    ops("_foreach_addcdiv_.Scalar", [a, b, c, factor], results: 0, file, line)
}

/// Adam of Kingma and Ba with the L2 penalty in the gradient, for all parameters in one call, in place.
/// - Parameter steps: float tensors of one element, the number of the step from 1.
package func fusedAdam_(
    parameters: [Tensor], gradients: [Tensor], means: [Tensor], squares: [Tensor], steps: [Tensor],
    learningRate: Double, beta1: Double, beta2: Double, weightDecay: Double, epsilon: Double, decoupled: Bool,
    file: StaticString = #fileID, line: UInt = #line
) {
    let lists: [(any OperatorArgument)?] = [parameters, gradients, means, squares, [Tensor](), steps]
    let named: KeyValuePairs<StaticString, any OperatorArgument> = [
        "lr": learningRate, "beta1": beta1, "beta2": beta2, "weight_decay": weightDecay, "eps": epsilon,
        "amsgrad": false, "maximize": false,
    ]
    if decoupled {
        ops("_fused_adamw_", lists, named: named, results: 0, file, line)
    } else {
        ops("_fused_adam_", lists, named: named, results: 0, file, line)
    }
}
