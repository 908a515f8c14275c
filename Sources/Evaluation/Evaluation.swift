import Datasets
import Foundation
import Imaging

/// Result of an evaluation: scores and everything that they depend on. Encodes as JSON.
public struct Evaluation: Sendable, Codable {
    /// Description of one side of a comparison.
    public struct Side: Sendable, Codable {
        /// Title for a reader.
        public let title: String
        /// Number of pictures.
        public let count: Int
        /// Width and height of the pictures, in pixels.
        public let side: Int
        /// SHA-256 of everything that the pixels depend on; empty for pictures of a running training.
        public let contentHash: String
        /// Name of the data protocol.
        public let dataProtocol: String
        /// Hash of the data protocol.
        public let protocolHash: String
        /// Generation of the pictures; nil for files and photographs.
        public let drawn: DrawnFacts?

        init(_ pictures: any PictureSet) {
            (title, count, side) = (pictures.title, pictures.count, pictures.side)
            (contentHash, dataProtocol) = (pictures.contentHash, pictures.data.name)
            (protocolHash, drawn) = (pictures.data.hash, pictures.drawn)
        }
    }

    /// Frequency of an attribute in both sets, as fractions of the pictures, found by a face network.
    public struct AttributeShare: Sendable, Codable, Equatable {
        /// Name of the attribute.
        public let name: String
        /// Fraction of the evaluated pictures.
        public let evaluated: Double
        /// Lower end of the 95 % interval; NaN if unknown.
        public let evaluatedLow: Double
        /// Upper end of the 95 % interval; NaN if unknown.
        public let evaluatedHigh: Double
        /// Fraction of the reference pictures; nil without a reference.
        public let reference: Double?
    }

    /// Agreement of a face network with the labels of an attribute, as fractions of the pictures.
    public struct AttributeAccuracy: Sendable, Codable, Equatable {
        /// Name of the attribute.
        public let name: String
        /// Fraction of correct answers.
        public let accuracy: Double
        /// Lower end of the 95 % interval of `accuracy`; NaN if unknown.
        public let low: Double
        /// Upper end of the 95 % interval of `accuracy`; NaN if unknown.
        public let high: Double
        /// Balanced accuracy: mean of the accuracies among pictures with and without the attribute.
        public let balanced: Double
        /// Fraction of pictures that have the attribute.
        public let positives: Double
    }

    /// Evaluated picture and its nearest reference picture.
    public struct Neighbor: Sendable, Codable, Equatable {
        /// Index of the evaluated picture.
        public let evaluated: Int
        /// Index of the reference picture.
        public let reference: Int
        /// Distance of their features.
        public let distance: Double
        /// Quantile of the distance among the distances of reference pictures to their nearest neighbors, 0...1. Small values
        /// indicate copies.
        public let quantile: Double
    }

    /// Evaluated pictures.
    public let evaluated: Side
    /// Reference pictures; nil for metrics without a reference.
    public let reference: Side?
    /// Whether pairs of pictures were compared.
    public internal(set) var isPaired = false
    /// Scores, in the order of the metrics.
    public internal(set) var scores: [Score] = []
    /// Frequencies of attributes.
    public internal(set) var attributes: [AttributeShare] = []
    /// Agreement with labels.
    public internal(set) var accuracies: [AttributeAccuracy] = []
    /// Nearest neighbors, smallest quantile first.
    public internal(set) var neighbors: [Neighbor] = []
    /// Reasons why the scores are less reliable, for a reader.
    public internal(set) var warnings: [String] = []
    /// Duration of the evaluation, in seconds.
    public internal(set) var seconds = 0.0
    /// Version of libtorch.
    public let engine: String
    /// Time of the evaluation.
    public let date: Date

    init(evaluated: any PictureSet, reference: (any PictureSet)?, engine: String) {
        (self.evaluated, self.reference) = (Side(evaluated), reference.map { Side($0) })
        (self.engine, date) = (engine, Date())
    }

    /// JSON with sorted keys, UTF-8. Infinite values are the strings `inf` and `-inf`, undefined ones `nan`.
    /// - Throws: `EncodingError`.
    public func json() throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .iso8601
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        return Array(try encoder.encode(self)) + [0x0A]
    }
}

/// Charts of the scores of a run over its length.
public enum ScoreCurves {
    /// PNG file with a chart for each metric; nil if no metric has two values.
    /// - Parameter log: log of the run as JSON lines. Lines with `best` have scores, each with its standard error under `…Error`.
    /// - Throws: `ImagingError`.
    public static func png(log: [UInt8]) throws -> [UInt8]? {
        var names: [String] = []
        var points: [String: [Chart.Point]] = [:]
        for line in log.split(separator: UInt8(ascii: "\n")) {
            guard let object = try? JSONSerialization.jsonObject(with: Data(line)) as? [String: Any],
                object["best"] != nil, let kimg = object["kimg"] as? Double
            else { continue }
            let found = object.keys.filter { object[$0 + "Error"] != nil }.sorted()
            names += found.filter { !names.contains($0) }
            for name in found {
                if let value = object[name] as? Double {
                    points[name, default: []].append(.init(x: kimg, y: value))
                }
            }
        }
        let charts = names.compactMap { name -> Picture? in
            guard let points = points[name], points.count > 1 else { return nil }
            return Chart(
                title: name, xLabel: "thousands of images", series: [.init(name: name, points: points)],
                width: 720,
                height: 300
            ).render()
        }
        return charts.isEmpty ? nil : try PictureEncoder.png(Grid.compose(charts, columns: 1, padding: 4))
    }
}
