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
