import Foundation
import TestSupport
import Testing
import Torch

/// Results of other programs for the same inputs, written by Tests/Goldens/make_judges.py.
struct MetricGoldens {
    struct Answers: Decodable {
        struct Frechet: Decodable {
            let torchFidelity: Double
            let pytorchFID: Double
        }
        struct Kernel: Decodable {
            let whole: Double
            let mean: Double
        }
        struct Neighbors: Decodable {
            let neighbors: Int
            let densityNeighbors: Int
            let precision: Double
            let recall: Double
            let density: Double
            let coverage: Double
            let fidelityPrecision: Double
            let fidelityRecall: Double

            // The golden file spells these keys in British English.
            private enum CodingKeys: String, CodingKey {
                case neighbors = "neighbours"
                case densityNeighbors = "densityNeighbours"
                case precision, recall, density, coverage, fidelityPrecision, fidelityRecall
            }
        }
        struct Pairs: Decodable {
            let repeats: Int?
            let count: Int?
            let psnr: [Double]
            let psnrTorchmetrics: [Double]
            let psnrLuma: [Double]
            let ssimInside: [Double]
            let ssimLumaInside: [Double]
            let ssimMirrored: [Double]
            let scales: Int
            let msSSIMMirrored: [Double]
            let msSSIMInside: [Double]
        }
        let frechet: [String: Frechet]
        let kernel: Kernel
        let inceptionScore: [String: Double]
        let neighbors: [Neighbors]
        let pairs: [String: Pairs]
        let opposite: Pairs
        let keptLength: Double
        let accuracy: [Double]
        let balancedAccuracy: [Double]
        let spearman: Double

        private enum CodingKeys: String, CodingKey {
            case neighbors = "neighbours"
            case frechet, kernel, inceptionScore, pairs, opposite, keptLength, accuracy, balancedAccuracy,
                spearman
        }
    }

    let answers: Answers
    private let tensors: TensorFile

    init() throws {
        let data = try #require(FileManager.default.contents(atPath: goldens("Metrics/judges.json")))
        answers = try JSONDecoder().decode(Answers.self, from: data)
        tensors = try TensorFile(path: goldens("Metrics/judges.safetensors"))
    }

    subscript(name: String) -> Tensor {
        get throws { try #require(try tensors.tensor(name), "no tensor \(name)") }
    }
}

/// Whether two values differ by at most the fraction `relative` of the second.
func isClose(_ a: Double, _ b: Double, _ relative: Double) -> Bool { abs(a - b) <= relative * abs(b) }

/// Whether two lists have equal lengths and differ by at most `distance` in each element.
func areNear(_ a: [Double], _ b: [Double], _ distance: Double) -> Bool {
    a.count == b.count && zip(a, b).allSatisfy { abs($0 - $1) <= distance }
}
