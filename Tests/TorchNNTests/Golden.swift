import Foundation
import TestSupport
import Testing
import Torch

/// Tensors of one golden file by PyTorch.
struct Golden {
    private let tensors: [String: Tensor]

    init(_ name: String) throws {
        let read = try TensorFile.read(goldens("TorchNN/\(name).safetensors")).tensors
        tensors = Dictionary(uniqueKeysWithValues: read.map { ($0.name, $0.tensor) })
    }

    /// A tensor; an issue is recorded if it is absent.
    func callAsFunction(_ name: String, _ location: SourceLocation = #_sourceLocation) throws -> Tensor {
        try #require(tensors[name], "no golden of that name", sourceLocation: location)
    }

    subscript(_ name: String) -> Tensor? { tensors[name] }

    /// All tensors with a prefix, with the rest of their names as keys, unordered.
    func below(_ prefix: String) -> [(key: String, tensor: Tensor)] {
        tensors.compactMap {
            $0.key.hasPrefix(prefix) ? (String($0.key.dropFirst(prefix.count)), $0.value) : nil
        }
    }
}

/// Decodes a golden JSON file.
func goldenJSON<Value: Decodable>(_ name: String, as type: Value.Type = Value.self) throws -> Value {
    let data = try Data(contentsOf: URL(fileURLWithPath: goldens("TorchNN/\(name).json")))
    return try JSONDecoder().decode(type, from: data)
}

/// Largest difference relative to the largest value; infinite if the shapes differ.
func difference(_ value: Tensor, _ expected: Tensor) -> Double {
    guard value.shape == expected.shape else { return .infinity }
    let scale = max(expected.detached().abs().max().item(), 1e-30)
    return (value.detached() - expected.detached()).abs().max().item() / scale
}

/// Records an issue unless `value` is `expected` within `tolerance` of its largest element.
func expectClose(
    _ value: Tensor?, _ expected: Tensor, within tolerance: Double, _ what: String,
    _ location: SourceLocation = #_sourceLocation
) {
    guard let value else {
        Issue.record("\(what): the tensor is absent", sourceLocation: location)
        return
    }
    let found = difference(value, expected)
    #expect(found <= tolerance, "\(what): got \(value), expected \(expected)", sourceLocation: location)
}

extension [(key: String, tensor: Tensor)] {
    /// Copies of all tensors.
    func cloned() -> Self { map { ($0.key, $0.tensor.cloned()) } }

    /// Bytes of each tensor by key.
    var contents: [String: [UInt8]] {
        Dictionary(uniqueKeysWithValues: map { ($0.key, $0.tensor.contiguous().bytes()) })
    }
}
