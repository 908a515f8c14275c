import CTorch

extension Tensor {
    /// Whether autograd records operations on this tensor.
    public var requiresGradient: Bool { withHandle { api.requires_grad($0) } ?? false }

    /// Sets whether this leaf tensor accumulates gradients, and returns it; the shape is unchanged.
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

    /// Gradient accumulated by `backward`, of the shape of this tensor; nil if there is none. Setting nil frees it.
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

    /// Adds the gradient of this scalar, shape [], to `gradient` of every leaf that it depends on.
    /// - Parameters:
    ///   - retainGraph: keep the tape for another backward pass instead of freeing it.
    ///   - createGraph: record the computation of the gradients, for higher derivatives.
    ///   - file: file of the caller, for error messages.
    ///   - line: line of the caller, for error messages.
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

/// Gradients of the sum of `outputs` with respect to `inputs`, as `torch.autograd.grad` computes them.
/// - Parameters:
///   - outputs: tensors that depend on the inputs; scalars [] unless `seeds` is given.
///   - inputs: tensors that require gradients.
///   - seeds: gradient with respect to each output, of its shape. The default is 1 for scalars.
///   - retainGraph: keep the tape for another backward pass instead of freeing it.
///   - createGraph: record the computation of the gradients, for penalties that differentiate them again.
///   - file: file of the caller, for error messages.
///   - line: line of the caller, for error messages.
/// - Returns: one gradient per input, of its shape; nil where no output depends on the input.
public func gradients(
    of outputs: [Tensor], wrt inputs: [Tensor], seeds: [Tensor]? = nil, retainGraph: Bool = false,
    createGraph: Bool = false, file: StaticString = #fileID, line: UInt = #line
) -> [Tensor?] {
    require(
        seeds == nil || seeds?.count == outputs.count,
        "gradients: expected one seed for each of \(outputs.count) outputs, got \(seeds?.count ?? 0)",
        file: file, line: line)
    func poisoned() -> [Tensor?] { inputs.map { _ in Tensor(handle: nil) } }
    if RecoveryScope.hasFailed { return poisoned() }
    var out = [ct_tensor?](repeating: nil, count: inputs.count)
    // The handles are valid while the tensors are alive.
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

/// Adds the gradients of a scalar with respect to leaves to existing gradients, in place.
///
/// Peak memory is lower than with `gradients` and an addition, because no second set of gradients exists.
/// - Parameters:
///   - output: loss, shape [].
///   - leaves: tensors that require gradients.
///   - found: one gradient per leaf, of its shape; nil stands for zero.
///   - file: file of the caller, for error messages.
///   - line: line of the caller, for error messages.
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

/// Runs `body` without recording operations for autograd.
///
/// The mode belongs to the thread, so the closure is synchronous.
/// - Throws: the error that `body` throws.
public func withoutGradients<Result>(_ body: () throws -> Result) rethrows -> Result {
    try recordingGradients(false, body)
}

/// Runs `body` with autograd recording on or off, then restores the previous mode.
func recordingGradients<Result>(_ isRecording: Bool, _ body: () throws -> Result) rethrows -> Result {
    let before = api.grad_mode()
    api.set_grad_mode(isRecording)
    defer { api.set_grad_mode(before) }
    return try body()
}

/// Runs `body` with matrix products and convolutions in a lower precision on `device`.
///
/// The mode belongs to the thread, so the closure is synchronous. A scope converts each weight once and does not see
/// later changes to it: leave the scope before the optimizer step.
/// - Parameters:
///   - dtype: bfloat16 or float16; float32 disables autocast, nil keeps the current mode.
///   - device: device whose operators are affected.
///   - body: called once.
/// - Throws: the error that `body` throws.
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
        // The cache of converted weights has no dtype in its key, so weights of another scope would be reused.
        api.clear_autocast_cache()
    }
    set(dtype != .float32, dtype == .float32 ? dtypeBefore : dtype.rawValue)
    defer { set(before, dtypeBefore) }
    return try body()
}

// Operators over lists of tensors: one call for all parameters of a network. Corresponding tensors have equal shapes.

/// Interpolates each a[i] towards b[i] in place: a += weight * (b - a); equal shapes.
package func foreachLerp_(
    _ a: [Tensor], towards b: [Tensor], weight: Double, file: StaticString = #fileID, line: UInt = #line
) {
    ops("_foreach_lerp_.Scalar", [a, b, weight], results: 0, file, line)
}

/// Interpolates each a[i] towards b[i] in place by a factor; equal shapes.
package func foreachLerp_(
    _ a: [Tensor], towards b: [Tensor], weight: Factor, file: StaticString = #fileID, line: UInt = #line
) {
    switch weight {
    case .number(let weight): foreachLerp_(a, towards: b, weight: weight, file: file, line: line)
    case .tensor(let weight):
        // The list operator has no form with one weight on the device.
        let steps = ops("_foreach_sub.List", [b, a], results: a.count, file, line)
        foreachMultiply_(steps, by: weight, file: file, line: line)
        foreachAdd_(a, steps, file: file, line: line)
    }
}

/// Adds a number to each tensor in place; any shapes.
package func foreachAdd_(
    _ a: [Tensor], number: Double, file: StaticString = #fileID, line: UInt = #line
) {
    ops("_foreach_add_.Scalar", [a, number], results: 0, file, line)
}

/// Multiplies each tensor by a number in place; any shapes.
package func foreachMultiply_(
    _ a: [Tensor], by factor: Double, file: StaticString = #fileID, line: UInt = #line
) {
    ops("_foreach_mul_.Scalar", [a, factor], results: 0, file, line)
}

/// Multiplies each tensor by `factor`, shape [], in place; any shapes.
package func foreachMultiply_(
    _ a: [Tensor], by factor: Tensor, file: StaticString = #fileID, line: UInt = #line
) {
    ops("_foreach_mul_.Tensor", [a, factor], results: 0, file, line)
}

/// Copies each b[i] into a[i]; equal shapes.
package func foreachCopy_(
    _ a: [Tensor], from b: [Tensor], file: StaticString = #fileID, line: UInt = #line
) {
    ops("_foreach_copy_", [a, b], results: 0, file, line)
}

/// Adds factor * b[i] to each a[i] in place; equal shapes.
package func foreachAdd_(
    _ a: [Tensor], _ b: [Tensor], factor: Double = 1, file: StaticString = #fileID, line: UInt = #line
) {
    ops("_foreach_add_.List", [a, b], named: ["alpha": factor], results: 0, file, line)
}

/// Adds factor * b[i] * c[i] to each a[i] in place; equal shapes.
package func foreachAddProduct_(
    _ a: [Tensor], _ b: [Tensor], _ c: [Tensor], factor: Double, file: StaticString = #fileID,
    line: UInt = #line
) {
    ops("_foreach_addcmul_.Scalar", [a, b, c, factor], results: 0, file, line)
}

/// Adds factor * b[i] / c[i] to each a[i] in place; equal shapes.
package func foreachAddQuotient_(
    _ a: [Tensor], _ b: [Tensor], _ c: [Tensor], factor: Double, file: StaticString = #fileID,
    line: UInt = #line
) {
    ops("_foreach_addcdiv_.Scalar", [a, b, c, factor], results: 0, file, line)
}

/// One step of Adam (Kingma and Ba 2015) or AdamW (Loshchilov and Hutter 2019) for all parameters, in place.
/// - Parameters:
///   - gradients: one per parameter, with its shape and strides; `means` and `squares` likewise.
///   - steps: number of this step, counted from 1, as one Float tensor [] per parameter.
///   - weightDecay: coefficient of the L2 term in the gradient or, if `decoupled`, of AdamW's decay.
package func fusedAdam_(
    parameters: [Tensor], gradients: [Tensor], means: [Tensor], squares: [Tensor], steps: [Tensor],
    learningRate: Factor, beta1: Double, beta2: Double, weightDecay: Double, epsilon: Double, decoupled: Bool,
    file: StaticString = #fileID, line: UInt = #line
) {
    let lists: [(any OperatorArgument)?] = [parameters, gradients, means, squares, [Tensor](), steps]
    func named(_ rate: any OperatorArgument) -> KeyValuePairs<StaticString, any OperatorArgument> {
        [
            "lr": rate, "beta1": beta1, "beta2": beta2, "weight_decay": weightDecay, "eps": epsilon,
            "amsgrad": false, "maximize": false,
        ]
    }
    switch (learningRate, decoupled) {
    case (.number(let rate), false): ops("_fused_adam_", lists, named: named(rate), results: 0, file, line)
    case (.number(let rate), true): ops("_fused_adamw_", lists, named: named(rate), results: 0, file, line)
    case (.tensor(let rate), false):
        ops("_fused_adam_.tensor_lr", lists, named: named(rate), results: 0, file, line)
    case (.tensor(let rate), true):
        ops("_fused_adamw_.tensor_lr", lists, named: named(rate), results: 0, file, line)
    }
}

/// State of gradient checkpointing (Chen et al. 2016): activations are recomputed in the backward pass, not stored.
public enum Recompute {
    /// Whether the current forward pass is a recomputation. Layers then leave running statistics unchanged.
    @TaskLocal public static var isActive = false
}

/// Computes `body(input)` with gradient checkpointing: the tape stores only the input.
///
/// Equals `body(input)` when autograd does not record or inside another recomputation. Second derivatives trap.
/// - Parameters:
///   - input: tensor of any shape.
///   - parameters: every tensor that `body` uses besides its input and that may require a gradient.
///   - file: file of the caller, for error messages.
///   - line: line of the caller, for error messages.
///   - body: called again in the backward pass with the current kernels and precision; must be deterministic.
/// - Returns: `body(input)`, with its shape.
public func recomputed(
    _ input: Tensor, parameters: [Tensor], file: StaticString = #fileID, line: UInt = #line,
    _ body: @escaping (Tensor) -> Tensor
) -> Tensor {
    guard api.grad_mode(), !Recompute.isActive else { return body(input) }
    let device = input.device
    var raw: Int32 = 0
    let autocast = api.autocast(device.type, &raw) ? DType(rawValue: raw) : .float32
    let (kernels, inputs) = (Kernels.current, [input] + parameters)
    let kept = RecomputedPart { seed, needed in
        let leaf = input.detached().requiringGradient(needed[0])
        let wanted = [leaf] + parameters
        let places = needed.indices.filter { needed[$0] }
        let output = Recompute.$isActive.withValue(true) {
            withKernels(kernels) {
                withAutocast(autocast, on: device) { recordingGradients(true) { body(leaf) } }
            }
        }
        var results = [Tensor?](repeating: nil, count: inputs.count)
        let found = gradients(of: [output], wrt: places.map { wanted[$0] }, seeds: [seed])
        for (place, gradient) in zip(places, found) { results[place] = gradient }
        return results
    }
    let output = withoutGradients { body(input) }
    if output.isPoisoned || RecoveryScope.hasFailed { return Tensor(handle: nil) }
    var handle: ct_tensor?
    withExtendedLifetime((output, inputs)) {
        _ = check(
            api.function(
                output.handle!, inputs.map { $0.handle! }, Int32(inputs.count),
                { context, gradient, needed, results, count in
                    let part = Unmanaged<RecomputedPart>.fromOpaque(context).takeUnretainedValue()
                    part.backward(gradient, needed, results, Int(count))
                }, Unmanaged.passRetained(kept).toOpaque(),
                { Unmanaged<RecomputedPart>.fromOpaque($0).release() }, &handle),
            "recomputed", file: file, line: line)
    }
    return Tensor(handle: handle)
}

/// The closure that the tape stores for one checkpointed computation.
private final class RecomputedPart {
    private let compute: (Tensor, [Bool]) -> [Tensor?]

    init(_ compute: @escaping (Tensor, [Bool]) -> [Tensor?]) { self.compute = compute }

    func backward(
        _ gradient: ct_tensor, _ needed: UnsafePointer<Bool>, _ results: UnsafeMutablePointer<ct_tensor?>,
        _ count: Int
    ) {
        let found = compute(
            Tensor(handle: gradient), Array(UnsafeBufferPointer(start: needed, count: count)))
        for index in 0..<count { results[index] = found[index]?.release() }
    }
}
