import TestSupport
import Testing
import Torch

/// Comparison of gradients with central differences, in float64, with eight significant digits.
enum Differences {
    private static let step = 1e-6
    private static let tolerance = 1e-6

    /// Compares the gradients of a scalar with central differences.
    /// - Parameters:
    ///   - leaves: float64 tensors, which are changed in place and restored.
    ///   - what: name in messages.
    ///   - value: computes the scalar from the current values of the leaves.
    static func expectFirst(
        wrt leaves: [Tensor], _ what: String, _ location: SourceLocation = #_sourceLocation,
        of value: () -> Tensor
    ) {
        let current = value()
        let found = current.requiresGradient ? gradients(of: [current], wrt: leaves) : leaves.map { _ in nil }
        for (leaf, gradient) in zip(leaves, found) {
            let derivatives = (gradient ?? Tensor.zeros(like: leaf)).doubles()
            #expect(leaf.dtype == .float64 && current.dtype == .float64, sourceLocation: location)
            let flat = leaf.detached().reshape([-1])
            for index in 0..<flat.count {
                func shifted(_ by: Double) -> Double {
                    let element = flat[index]
                    let before = element.item()
                    element.fill_(before + by)
                    defer { element.fill_(before) }
                    return value().item()
                }
                let difference = (shifted(step) - shifted(-step)) / (2 * step)
                #expect(
                    abs(difference - derivatives[index]) < tolerance * max(1, abs(difference)),
                    "\(what): gradient \(derivatives[index]), difference \(difference)",
                    sourceLocation: location)
            }
        }
    }

    /// Compares second derivatives, in one random direction.
    static func expectSecond(
        wrt leaves: [Tensor], _ what: String, _ location: SourceLocation = #_sourceLocation,
        of value: () -> Tensor
    ) {
        let random = RandomSource(seed: 17)
        let directions = leaves.map { Tensor.normal($0.shape, random: random).to(.float64) }
        expectFirst(wrt: leaves, "second of " + what, location) {
            let found = gradients(of: [value()], wrt: leaves, createGraph: true)
            let along = zip(found, directions).map { gradient, direction in
                gradient.map { ($0 * direction).sum() } ?? Tensor(0).to(.float64)
            }
            return along.dropFirst().reduce(along[0]) { $0 + $1 }
        }
    }

    /// N(0, 1) in float64.
    static func draw(_ shape: [Int], _ random: RandomSource) -> Tensor {
        Tensor.normal(shape, random: random).to(.float64)
    }
}

/// Results of make_objectives.py with PyTorch.
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

    /// Compares a value and its gradients with respect to named leaves.
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
