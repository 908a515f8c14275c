import TestSupport
import Testing
import Torch

/// What make_objectives.py found with PyTorch.
struct LossGolden {
    private let tensors: [String: Tensor]

    init() throws {
        let read = try TensorFile.read(goldens("Objectives/losses.safetensors")).tensors
        tensors = Dictionary(uniqueKeysWithValues: read.map { ($0.name, $0.tensor) })
    }

    func callAsFunction(_ name: String) throws -> Tensor {
        try #require(tensors[name], "the golden has no \(name)")
    }

    func leaf(_ name: String) throws -> Tensor { try self(name).cloned().requiringGradient() }

    /// A value, and its gradients with respect to named leaves.
    func expect(_ value: Tensor, _ name: String, wrt leaves: KeyValuePairs<String, Tensor>) throws {
        #expect(value.shape == [])
        let found = gradients(of: [value], wrt: leaves.map(\.value))
        try expectClose(value, name)
        for ((key, leaf), gradient) in zip(leaves, found) {
            try expectClose(gradient ?? Tensor.zeros(like: leaf), "\(name).\(key)")
        }
    }

    private func expectClose(_ value: Tensor, _ name: String) throws {
        let expected = try self(name)
        try #require(value.shape == expected.shape)
        let scale = max(expected.abs().max().item(), 1e-30)
        let difference = (value.detached() - expected).abs().max().item() / scale
        #expect(difference < 1e-5, "\(name) differs by \(difference)")
    }
}
