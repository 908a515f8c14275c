import Files
import Models
import TestSupport
import Testing
import Torch
import TorchNN

/// Face detector against an independent PyTorch implementation of its paper (`make_detector.py`), with untrained weights.
@Suite struct YuNetTests {
    private let network: YuNet
    private let images: Tensor
    private let golden: [String: Tensor]
    private let keys: FeatureGolden.Keys
    private let expectedKeys: (count: String?, sha256: String?)

    init() throws {
        network = YuNet()
        keys = FeatureGolden.Keys(network)
        Self.fill(network)
        // Nearly black, as in the script, without the padding that the detector adds.
        images = (FeatureGolden.pictures(2, 90, 120) + 1) / 128 - 1
        let path = goldens("Models/yunet.safetensors")
        let read = try TensorFile.read(path)
        golden = Dictionary(uniqueKeysWithValues: read.tensors.map { ($0.name, $0.tensor) })
        let metadata = try SafetensorsFile(path: path).metadata
        expectedKeys = (metadata["keys"], metadata["keysDigest"])
    }

    /// Fills weights with the formula of the script.
    private static func fill(_ module: Module) {
        let random = RandomSource(seed: 1)
        withoutGradients {
            for (key, tensor) in module.state where !key.hasSuffix("num_batches_tracked") {
                let inputs = tensor.shape.dropFirst().reduce(1, *)
                let limit = ((inputs == 9 ? 3.0 : 6.0) / Double(inputs)).squareRoot()
                let (low, high) =
                    tensor.shape.count >= 2
                    ? (-limit, limit)
                    : key.hasSuffix("running_var")
                        ? (0.5, 1.5) : key.hasSuffix("weight") ? (0.8, 1.2) : (-0.1, 0.1)
                tensor.uniform_(low, high, random: random)
            }
        }
    }

    @Test func keysEqualThePublishedWeights() {
        #expect("\(keys.count)" == expectedKeys.count && keys.sha256 == expectedKeys.sha256)
    }

    @Test(arguments: [MemoryFormat.contiguous, .channelsLast])
    func headsEqualPyTorch(format: MemoryFormat) throws {
        network.move(to: .cpu, format: format)
        let levels = withoutGradients { network(images.to(format)) }
        #expect(levels.map(\.stride) == [8, 16, 32])
        for (index, level) in levels.enumerated() {
            for (name, found) in [
                ("classes", level.classes), ("objects", level.objects), ("boxes", level.boxes),
                ("points", level.points),
            ] {
                let expected = try #require(golden["level\(index)/\(name)"])
                try #require(found.shape == expected.shape)
                let largest = max(1, expected.abs().max().item())
                #expect((found - expected).abs().max().item() / largest < 1e-4, "\(index) \(name)")
            }
        }
    }

    @Test func facesEqualTheScript() throws {
        let found = network.faces(in: images, score: 0.3, overlap: 0.3)
        for (picture, faces) in found.enumerated() {
            let expected = try #require(golden["faces\(picture)"])
            try #require(expected.shape == [faces.count, 15])
            let rows = faces.flatMap { face in
                [face.score, face.x, face.y, face.width, face.height].map { Float($0) }
                    + face.points.flatMap { [Float($0.x), Float($0.y)] }
            }
            for (a, b) in zip(rows, expected.floats()) {
                #expect(abs(a - b) <= 1e-3 * max(1, abs(b)), "\(a) \(b)")
            }
        }
    }

    @Test func overlappingFacesAreSuppressed() {
        func face(_ score: Double, _ x: Double) -> YuNet.Face {
            YuNet.Face(score: score, x: x, y: 0, width: 10, height: 10, points: [])
        }
        #expect(abs(face(1, 0).overlap(with: face(1, 5)) - 1.0 / 3) < 1e-12)
        #expect(face(1, 0).overlap(with: face(1, 10)) == 0)
        let kept = YuNet.distinct([face(0.5, 0), face(0.9, 2), face(0.4, 12), face(0.3, 9)])
        #expect(kept.map(\.score) == [0.9, 0.4])
    }

    @Test func networkIsFrozenAndInEvaluationMode() {
        #expect(!network.isTraining && network.parameters.allSatisfy { $0.parameter.isFrozen })
    }
}
