import TestSupport
import Testing
import Torch

/// The tensors of a golden file, by name.
public func goldenTensors(_ file: String) throws -> [String: Tensor] {
    let read = try TensorFile.read(goldens(file)).tensors
    return Dictionary(uniqueKeysWithValues: read.map { ($0.name, $0.tensor) })
}

/// The tensors of a golden whose names begin with a prefix, without it.
public func section(_ prefix: String, of golden: [String: Tensor]) -> [(key: String, tensor: Tensor)] {
    golden.compactMap {
        $0.key.hasPrefix(prefix) ? (String($0.key.dropFirst(prefix.count)), $0.value) : nil
    }
}

/// Expects a value as a golden file has it, to a share of its largest element.
public func expectNear(
    _ value: Tensor, _ name: String, _ golden: [String: Tensor], _ tolerance: Double
) throws {
    let expected = try #require(golden[name], "\(name)")
    try #require(value.shape == expected.shape, "\(name)")
    let scale = max(expected.abs().max().item(), 1e-30)
    let difference = (value.detached() - expected).abs().max().item() / scale
    #expect(difference < tolerance, "\(name) differs by \(difference)")
}
