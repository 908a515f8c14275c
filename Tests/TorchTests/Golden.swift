import TestSupport
import Testing
import Torch

/// Inputs and PyTorch's answers, made by `Tests/Goldens/make_torch.py`.
struct Golden {
    private let tensors: [String: Tensor]

    init(_ name: String) throws {
        let read = try TensorFile.read(goldens("Torch/" + name))
        tensors = Dictionary(uniqueKeysWithValues: read.tensors.map { ($0.name, $0.tensor) })
    }

    /// A fresh copy of an input.
    func given(_ name: String) throws -> Tensor { try #require(tensors["given." + name]).cloned() }

    /// Compares with PyTorch's answer: type, shape, and the largest difference relative to the largest value.
    func check(
        _ name: String, _ result: Tensor, tolerance: Double = 1e-6,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let answer = try #require(tensors[name], "no answer \(name)", sourceLocation: sourceLocation)
        #expect(result.dtype == answer.dtype, "\(name)", sourceLocation: sourceLocation)
        #expect(result.shape == answer.shape, "\(name)", sourceLocation: sourceLocation)
        guard result.shape == answer.shape, result.count > 0 else { return }
        let (a, b) = (result.detached().to(.float64), answer.to(.float64))
        let error = (a - b).abs().max().item()
        // A NaN in the result makes the error NaN, which is not small.
        #expect(
            error <= tolerance * max(b.abs().max().item(), 1e-30), "\(name) is off by \(error)",
            sourceLocation: sourceLocation)
    }
}
