import Files
import Foundation
import Models
import TestSupport
import Testing
import Torch
import TorchNN

/// What `make_features.py` found with the packages that define the networks, and the formulas of its weights and pictures.
struct FeatureGolden {
    struct Keys: Decodable, Equatable {
        let count: Int
        let sha256: String

        init(_ module: Module) {
            let lines = module.state.map { "\($0.key) \($0.tensor.shape)\n" }
            (count, sha256) = (lines.count, Digest.sha256(lines.joined()))
        }
    }

    /// By network.
    let keys: [String: Keys]
    private let tensors: [String: Tensor]

    init() throws {
        let read = try TensorFile.read(goldens("Models/features.safetensors")).tensors
        tensors = Dictionary(uniqueKeysWithValues: read.map { ($0.name, $0.tensor) })
        let json = try Data(contentsOf: URL(fileURLWithPath: goldens("Models/features.json")))
        keys = try JSONDecoder().decode([String: Keys].self, from: json)
    }

    /// Largest difference over the largest value; of the golden's sample, which has every n-th of many.
    func difference(_ value: Tensor, _ name: String) throws -> Double {
        let expected = try #require(tensors[name], "the golden has no \(name)").floats()
        var found = value.detached().contiguous().floats()
        if found.count > 400 {
            let step = (found.count + 399) / 400
            found = stride(from: 0, to: found.count, by: step).map { found[$0] }
        }
        try #require(found.count == expected.count, "\(name)")
        let largest = expected.map(abs).max() ?? 0
        let differences = zip(found, expected).map { $0.isFinite ? abs($0 - $1) : .infinity }
        return Double((differences.max() ?? .infinity) / largest)
    }

    /// Fills weights as the script does.
    static func fill(_ module: Module, seed: UInt64 = 1) {
        let random = RandomSource(seed: seed)
        withoutGradients {
            for (key, tensor) in module.state where !key.hasSuffix("num_batches_tracked") {
                let (low, high) = bounds(key, tensor.shape)
                tensor.uniform_(low, high, random: random)
            }
        }
    }

    private static func bounds(_ key: String, _ shape: [Int]) -> (Double, Double) {
        if key.hasPrefix("lin") { return (0, 0.1) }
        if shape.count >= 2 {
            let limit = (6 / Double(shape.dropFirst().reduce(1, *))).squareRoot()
            return (-limit, limit)
        }
        if key.hasSuffix("running_var") { return (0.5, 1.5) }
        return key.hasSuffix("weight") ? (0.8, 1.2) : (-0.1, 0.1)
    }

    /// [N, 3, H, W] in -1...1.
    static func pictures(_ count: Int, _ height: Int, _ width: Int, from first: Int = 0) -> Tensor {
        var values: [Float] = []
        for n in first..<first + count {
            for c in 0..<3 {
                for y in 0..<height {
                    for x in 0..<width {
                        let byte = (x * (3 + n) + y * (5 + 2 * c) + x * y / 8 + 40 * c) % 256
                        values.append(Float(byte) / 127.5 - 1)
                    }
                }
            }
        }
        return Tensor(values, shape: [count, 3, height, width])
    }

    static func pictures(_ size: String) -> Tensor {
        size == "small" ? pictures(2, 48, 64) : pictures(1, 310, 320)
    }
}
