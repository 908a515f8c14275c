import Datasets
import Foundation
import Imaging

/// Everything that a comparison found; writes itself as JSON.
public struct Evaluation: Sendable, Codable {
    /// One side of a comparison.
    public struct Side: Sendable, Codable {
        public let title: String
        public let count: Int
        public let side: Int
        public let contentHash: String
        public let dataProtocol: String
        public let protocolHash: String
        public let drawn: DrawnFacts?

        init(_ pictures: any PictureSet) {
            (title, count, side) = (pictures.title, pictures.count, pictures.side)
            (contentHash, dataProtocol) = (pictures.contentHash, pictures.data.name)
            (protocolHash, drawn) = (pictures.data.hash, pictures.drawn)
        }
    }

    /// How often an attribute is seen in both sets, as shares.
    public struct AttributeShare: Sendable, Codable, Equatable {
        public let name: String
        public let judged: Double
        public let judgedLow: Double
        public let judgedHigh: Double
        public let reference: Double?
    }

    /// How well the answers about an attribute agree with the pictures' labels, as shares.
    public struct AttributeAccuracy: Sendable, Codable, Equatable {
        public let name: String
        public let accuracy: Double
        public let low: Double
        public let high: Double
        /// Mean of the shares of right answers among pictures with it and without it.
        public let balanced: Double
        /// Share of pictures that have it.
        public let positives: Double
    }

    /// A judged picture and the picture of the reference that is nearest to it.
    public struct Neighbor: Sendable, Codable, Equatable {
        public let judged: Int
        public let reference: Int
        public let distance: Double
        /// Where the distance lies among those of reference pictures to their nearest ones, 0...1; small is suspicious.
        public let quantile: Double
    }

    public let judged: Side
    public let reference: Side?
    /// Whether picture was compared with picture.
    public internal(set) var isPaired = false
    public internal(set) var scores: [Score] = []
    public internal(set) var attributes: [AttributeShare] = []
    public internal(set) var accuracies: [AttributeAccuracy] = []
    /// The most suspicious first.
    public internal(set) var neighbors: [Neighbor] = []
    /// What a reader must know before believing any of it.
    public internal(set) var warnings: [String] = []
    public internal(set) var seconds = 0.0
    public let engine: String
    public let date: Date

    init(judged: any PictureSet, reference: (any PictureSet)?, engine: String) {
        (self.judged, self.reference) = (Side(judged), reference.map { Side($0) })
        (self.engine, date) = (engine, Date())
    }

    /// Readable JSON.
    public func json() throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .iso8601
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        return Array(try encoder.encode(self)) + [0x0A]
    }
}

/// The scores of a run over its images as a picture: one chart a measure.
public enum ScoreCurves {
    /// A PNG file of the scores in a run's log; nil before there are two.
    /// - Parameter log: JSON lines; those with `best` hold scores, each with its standard error under `…Error`.
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
