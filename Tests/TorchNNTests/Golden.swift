import Foundation
import TestSupport
import Testing
import Torch

/// The tensors of one golden file that PyTorch wrote.
struct Golden {
    private let tensors: [String: Tensor]

    init(_ name: String) throws {
        let read = try TensorFile.read(goldens("TorchNN/\(name).safetensors")).tensors
        tensors = Dictionary(uniqueKeysWithValues: read.map { ($0.name, $0.tensor) })
    }

    /// A tensor that must be there.
    func callAsFunction(_ name: String, _ location: SourceLocation = #_sourceLocation) throws -> Tensor {
        try #require(tensors[name], "no golden of that name", sourceLocation: location)
    }

    subscript(_ name: String) -> Tensor? { tensors[name] }

    /// Everything below a prefix, under the rest of its name, in no special order.
    func below(_ prefix: String) -> [(key: String, tensor: Tensor)] {
        tensors.compactMap {
            $0.key.hasPrefix(prefix) ? (String($0.key.dropFirst(prefix.count)), $0.value) : nil
        }
    }
}

/// A golden file of numbers and texts.
func goldenJSON<Value: Decodable>(_ name: String, as type: Value.Type = Value.self) throws -> Value {
    let data = try Data(contentsOf: URL(fileURLWithPath: goldens("TorchNN/\(name).json")))
    return try JSONDecoder().decode(type, from: data)
}

/// The largest difference over the largest value; infinite for other shapes.
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
        Issue.record("\(what): there is none", sourceLocation: location)
        return
    }
    let found = difference(value, expected)
    #expect(found <= tolerance, "\(what): got \(value), expected \(expected)", sourceLocation: location)
}

extension [(key: String, tensor: Tensor)] {
    /// Copies with their own memory.
    func cloned() -> Self { map { ($0.key, $0.tensor.cloned()) } }

    /// Keys and values, to compare byte for byte.
    var contents: [String: [UInt8]] {
        Dictionary(uniqueKeysWithValues: map { ($0.key, $0.tensor.contiguous().bytes()) })
    }
}
