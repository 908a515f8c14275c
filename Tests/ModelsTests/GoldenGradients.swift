import TensorTestSupport
import Testing
import Torch
import TorchNN

/// Expects the output of a network, and the gradients of all its parameters, as a golden file has them.
func expectOutputAndGradients(
    _ output: Tensor, _ module: Module, _ name: String, _ golden: [String: Tensor]
) throws {
    try expectNear(output, name + ".output", golden, 1e-5)
    let seed = try #require(golden[name + ".seed"])
    let parameters = module.parameters
    let found = gradients(of: [output], wrt: parameters.map(\.parameter.value), seeds: [seed])
    for ((key, _), gradient) in zip(parameters, found) {
        try expectNear(try #require(gradient, "\(key)"), "\(name).gradient.\(key)", golden, 1e-4)
    }
    #expect(parameters.count == golden.keys.count { $0.hasPrefix(name + ".gradient.") })
}
