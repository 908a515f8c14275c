import Checkpoints
import Foundation
import Imaging
import Provenance

/// HTML page of an evaluation, without external files: scores, pictures of both sides, nearest neighbors, attributes.
public struct EvaluationReport {
    private let evaluation: Evaluation
    private let evaluated: any PictureSet
    private let reference: (any PictureSet)?

    private static let gridCount = 64

    /// - Parameters:
    ///   - evaluation: the result.
    ///   - evaluated: the evaluated pictures.
    ///   - reference: the reference pictures; nil without a reference.
    public init(_ evaluation: Evaluation, evaluated: any PictureSet, reference: (any PictureSet)?) {
        (self.evaluation, self.evaluated, self.reference) = (evaluation, evaluated, reference)
    }

    /// Renders the page, UTF-8.
    /// - Throws: `ImagingError` if a picture cannot be encoded.
    public func html() throws -> [UInt8] {
        var parts: [HTML] = [Self.head(evaluation.evaluated.title), facts(), scores()]
        parts.append("<h2>The pictures</h2><div class=\"pair\">")
        parts.append(try figure(grid(evaluated), evaluation.evaluated.title))
        if let reference { parts.append(try figure(grid(reference), reference.title)) }
        parts.append("</div>")
        if let reference, !evaluation.neighbors.isEmpty {
            parts.append(Self.neighborText(isPaired: evaluation.isPaired))
            parts.append(
                try figure(
                    neighbors(reference), evaluation.isPaired ? "evaluated | other" : "evaluated | nearest")
            )
        }
        if !evaluation.attributes.isEmpty { parts.append(attributes()) }
        if !evaluation.accuracies.isEmpty { parts.append(accuracies()) }
        parts.append("</main></body></html>\n")
        return Array(parts.joined(separator: "\n").source.utf8)
    }

    // MARK: Pictures

    private func grid(_ set: any PictureSet) throws -> [UInt8] {
        let count = min(Self.gridCount, set.count)
        let shown = (0..<count).map { set.drawn == nil ? $0 * set.count / count : $0 }
        return try Provenance.png(Grid.compose(shown.map(set.picture)), origin: set.origin(of: shown))
    }

    private func neighbors(_ reference: any PictureSet) throws -> [UInt8] {
        let pictures = evaluation.neighbors.flatMap {
            [evaluated.picture($0.evaluated), reference.picture($0.reference)]
        }
        let captions = evaluation.neighbors.flatMap {
            [String(format: "%.3f", evaluation.isPaired ? $0.distance : $0.quantile), ""]
        }
        let origins = [
            evaluated.origin(of: evaluation.neighbors.map(\.evaluated)),
            reference.origin(of: evaluation.neighbors.map(\.reference)),
        ]
        return try Provenance.png(
            Grid.compose(pictures, columns: 8, captions: captions), origin: Origin.derived(from: origins))
    }

    private func figure(_ png: [UInt8], _ caption: String) -> HTML {
        "<figure><img src=\"data:image/png;base64,\(Data(png).base64EncodedString())\" alt=\"\(caption)\">"
            + "<figcaption>\(caption)</figcaption></figure>"
    }

    // MARK: Text

    private static func neighborText(isPaired: Bool) -> HTML {
        if isPaired {
            return
                "<h2>The worst pairs</h2><p>Each evaluated picture and the one that it should equal, the furthest apart first, with"
                + " the value of the first measure.</p>"
        }
        return
            "<h2>Nearest pictures of the reference</h2><p>Each evaluated picture, and right of it the most similar one of the"
            + " reference; the most suspicious first. The number is the share of the reference's pictures that have a nearer"
            + " neighbor among themselves: near 0, the picture is a copy.</p>"
    }

    private func facts() -> HTML {
        func row(_ name: String, _ side: Evaluation.Side?) -> HTML {
            guard let side else { return "" }
            let drawn = side.drawn.map {
                "; seeds \($0.seeds.lowerBound)–\($0.seeds.upperBound), \($0.weights) weights, \($0.precision),"
                    + " truncation \($0.truncationPsi)"
            }
            return
                "<tr><th>\(name)</th><td>\(side.title)</td><td>\(side.count) pictures of"
                + " \(side.side)×\(side.side), protocol \(side.dataProtocol) (\(side.protocolHash))\(drawn ?? "")</td></tr>"
                as HTML
        }
        let warnings = evaluation.warnings.map { "<p class=\"warning\">\($0)</p>" as HTML }.joined()
        return
            "<table class=\"facts\">\(row("evaluated", evaluation.evaluated))\(row("against", evaluation.reference))"
            + "</table>\(warnings)<p class=\"small\">libtorch \(evaluation.engine), "
            + "\(evaluation.date.formatted(.iso8601)), \(Int(evaluation.seconds)) s</p>"
    }

    private func scores() -> HTML {
        let rows = evaluation.scores.map { score -> HTML in
            let interval =
                score.low.flatMap { low in score.high.map { "\(Self.number(low)) – \(Self.number($0))" } }
                ?? ""
            let arrow = score.isLowerBetter.map { $0 ? " ↓" : " ↑" } ?? ""
            let counts = [score.evaluatedCount, score.referenceCount].compactMap { $0.map(String.init) }
                .joined(separator: " / ")
            return
                "<tr><td><b>\(score.label)\(arrow)</b><br><code>\(score.name)</code></td>"
                + "<td class=\"n\">\(Self.number(score.value))</td><td class=\"n\">\(interval)</td>"
                + "<td class=\"n\">\(score.atInfinity.map(Self.number) ?? "")</td><td class=\"n\">\(counts)</td>"
                + "<td>\(score.features), \(score.dtype)</td>"
                + "<td class=\"small\">\(score.notes.joined(separator: "; "))</td></tr>"
        }
        return "<table><tr><th>measure</th><th>value</th><th>95 % interval</th><th>at N = ∞</th><th>N</th>"
            + "<th>features</th><th>notes</th></tr>\(rows.joined())</table>"
    }

    private func attributes() -> HTML {
        let ordered = evaluation.attributes.sorted {
            abs($0.evaluated - ($0.reference ?? $0.evaluated))
                > abs($1.evaluated - ($1.reference ?? $1.evaluated))
        }
        func bar(_ share: Double, _ kind: String) -> HTML {
            "<div class=\"bar \(kind)\" style=\"width:\(Self.number(max(0.2, 100 * share)))%\"></div>"
        }
        let rows = ordered.map { share -> HTML in
            "<tr><td>\(share.name.replacing("_", with: " "))</td><td class=\"bars\">"
                + bar(share.evaluated, "evaluated")
                + (share.reference.map { bar($0, "reference") } ?? "" as HTML)
                + "</td><td class=\"n\">\(Self.percent(share.evaluated))</td>"
                + "<td class=\"n\">\(share.reference.map(Self.percent) ?? "")</td></tr>"
        }
        return
            "<h2>Attributes</h2><p>Share of pictures that show each attribute, as a face network sees them: <span"
            + " class=\"key evaluated\">evaluated</span> <span class=\"key reference\">reference</span>, the largest difference"
            + " first.</p><table class=\"attributes\">\(rows.joined())</table>"
    }

    private func accuracies() -> HTML {
        let rows = evaluation.accuracies.map { score -> HTML in
            let cells = [
                Self.percent(score.accuracy), "\(Self.percent(score.low)) – \(Self.percent(score.high))",
                Self.percent(score.balanced), Self.percent(score.positives),
            ]
            return "<tr><td>\(score.name.replacing("_", with: " "))</td>"
                + cells.map { "<td class=\"n\">\($0)</td>" as HTML }.joined() + "</tr>"
        }
        return
            "<h2>How often the network is right</h2><table><tr><th>attribute</th><th>right</th><th>95 % interval</th>"
            + "<th>balanced</th><th>have it</th></tr>\(rows.joined())</table>"
    }

    private static func percent(_ share: Double) -> String { String(format: "%.1f %%", 100 * share) }

    /// Four digits that count.
    static func number(_ value: Double) -> String {
        guard value.isFinite else { return "\(value)" }
        let digits = value == 0 ? 2 : max(0, 3 - Int(log10(abs(value)).rounded(.down)))
        return String(format: "%.\(min(digits, 6))f", value)
    }

    private static func head(_ title: String) -> HTML {
        """
        <!doctype html><html lang="en"><head><meta charset="utf-8"><title>\(title)</title><style>
        body{font:15px/1.5 system-ui,sans-serif;color:#222;margin:0;background:#fafafa}
        main{max-width:1180px;margin:0 auto;padding:24px}
        table{border-collapse:collapse;background:#fff;width:100%;margin:12px 0}
        th,td{padding:6px 10px;border-bottom:1px solid #e4e4e4;text-align:left;vertical-align:top}
        th{font-weight:600;color:#555}.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
        code,.small{color:#777;font-size:13px}.warning{background:#fff3d6;border-left:4px solid #e0a100;padding:6px 12px}
        .pair{display:flex;gap:24px;flex-wrap:wrap}figure{margin:0}img{max-width:100%;image-rendering:auto}
        figcaption{color:#777;font-size:13px}.facts th{width:90px}
        .bars{width:55%}.bar{height:8px;margin:2px 0}.evaluated{background:#2f6fd0}.reference{background:#b9c4d4}
        .key{padding:0 8px;border-radius:3px}.key.evaluated{color:#fff}.attributes td{padding:2px 10px;border:0}
        </style></head><body><main><h1>\(title)</h1>
        """
    }
}
