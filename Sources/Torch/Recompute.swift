import CTorch

/// Parts of networks whose inner values are computed a second time in the backward pass rather than kept (gradient
/// checkpointing, Chen et al. 2016).
public enum Recompute {
    /// Whether a part is being computed for the second time; running statistics must not move again.
    @TaskLocal public static var isActive = false
}

/// `body(input)`, of which the tape keeps only the input; has no second derivatives.
///
/// Where no gradients are recorded, or a part around it is being computed again, this is `body(input)`.
/// - Parameters:
///   - parameters: all that `body` uses besides its input and that may have a gradient.
///   - body: called again in the backward pass, with the kernels and the precision of now; must give the same result.
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

/// What the tape keeps of a recomputed part.
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
