import Foundation
import Imaging

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
