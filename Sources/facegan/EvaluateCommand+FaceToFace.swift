import ArgumentParser
import Checkpoints
import Console
import Datasets
import Evaluation
import Files
import Foundation
import Models
import Recipes
import Runs
import Settings
import Torch

// What `facegan evaluate` says of networks from photographs to photographs: they are judged by people they have not seen.
extension EvaluateCommand {
    /// Judges a model of that kind.
    /// - Returns: false for any other source.
    func evaluatedFaceToFace(_ device: Device) throws -> Bool {
        guard PictureSets.isModel(source) else { return false }
        let task = try ModelFile(source).recipe().system.kind
        guard task == .restoration || task == .conversion else { return false }
        let ignored = [
            ("--html", html != nil), ("--protocol", dataProtocol != nil), ("--face", face != nil),
            ("--reference-count", referenceCount != nil), ("--seed", seed != 0),
            ("--by", by != nil && task == .restoration),
        ]
        if let option = ignored.first(where: { $0.1 })?.0 {
            throw CommandError("\(option): says nothing about a model of this kind; leave it out")
        }
        if task == .restoration { try evaluateRestoration(device) } else { try evaluateConversion(device) }
        return true
    }

    /// Held-out pictures of the data, under the recipe's own protocol.
    private func heldOut(_ recipe: Recipe) throws -> (store: FaceStore, indices: [Int]) {
        let record = RunDirectory.holdsRun(source) ? try RunRecord(folder: source) : nil
        guard let name = against ?? record?.data else {
            throw CommandError(
                "\(source): name the photographs to judge it by (--against img_align_celeba.zip)")
        }
        let line = ProgressLine("packing \(name)", total: nil, unit: .things("pictures"))
        let store = try cancellable(line) {
            try TrainingData.open(
                name, for: recipe, progress: { line.update($0, total: $1) },
                cancelled: { Interrupt.isRequested })
        }
        guard store.size == recipe.resolution else {
            throw CommandError(
                "\(name): its pictures have \(store.size) pixels a side, the model's \(recipe.resolution); name the source "
                    + "that they were packed from")
        }
        let all = store.part(part ?? .validation)
        guard !all.isEmpty else {
            throw CommandError(
                "\(name): has no such part; --part train, validation or test chooses another one")
        }
        return (store, Array(all.prefix(count ?? all.count)))
    }

    private var ofPart: String {
        switch part ?? .validation {
        case .train: "that it has learnt from"
        case .validation, .test: "that it has not learnt from"
        }
    }

    private func evaluateRestoration(_ device: Device) throws {
        let state: ModelState = best ? .best : .last
        let newest = try RestorationModel(
            source, state: state, weights: raw ? .raw : .average, device: device)
        let (store, indices) = try heldOut(newest.recipe)
        let side = store.size
        var restorers: [(name: String, restore: (Tensor) -> Tensor)] = []
        if newest.restorer.scale > 1 {
            restorers.append(("cubics", { $0.resizedBicubic(height: side, width: side) }))
        }
        if newest.hasTwoStages {
            let before = try RestorationModel(source, state: state, strength: 0, device: device)
            restorers.append(("before the critic", { before.restorer($0) }))
        }
        restorers.append(
            (newest.hasTwoStages ? "against the critic" : newest.recipe.name, { newest.restorer($0) }))
        let line = ProgressLine("judging", total: indices.count, unit: .things("pictures"))
        let score = try cancellable(line) {
            try RestorationScore(
                restorers, input: RestorerInput(newest.recipe.restoration.input),
                measures: try PairMeasure.available(side: side, device: device), count: indices.count,
                pictures: { range in self.pictures(store, Array(indices[range]), device) },
                progress: { line.update($0) }, isCancelled: { Interrupt.isRequested })
        }
        let output = ConsoleOutput.standardOutput
        output.writeLine(
            "\(newest.path): \(newest.recipe.name), \(Readable.count(newest.clock.images)) images seen; "
                + "\(Readable.count(score.count, "picture")) \(ofPart) (\(store.data))\n")
        var table = Table(
            [""] + score.rows.map(\.name), alignments: [.left] + score.rows.map { _ in Table.Alignment.right }
        )
        for (index, measure) in score.measures.enumerated() {
            table.add(
                [measure.label + (measure.isLowerBetter ? " ↓" : " ↑")]
                    + score.rows.map { row in
                        let (mean, error) = row.values[index]
                        return "\(Readable.fixed(mean, 4)) ± \(Readable.fixed(1.96 * error, 4))"
                    })
        }
        for line in table.lines(for: output) { output.writeLine(line) }
        try writeJSON(
            score.rows.map { row in
                (
                    row.name,
                    zip(score.measures, row.values).map { ($0.name, [$1.mean, 1.96 * $1.error]) }
                )
            }, store, score.count)
    }

    private func evaluateConversion(_ device: Device) throws {
        let model = try ConversionModel(
            source, state: best ? .best : .last, weights: raw ? .raw : .average, device: device)
        let (store, indices) = try heldOut(model.recipe)
        let names = store.labels.attributeNames
        func column(_ name: String) throws -> Int {
            guard let column = names.firstIndex(of: name) else {
                let near = Suggestion.closest(to: name, in: names).map { "; did you mean \($0)?" } ?? ""
                throw CommandError("\(store.path): its labels have no attribute \(name)\(near)")
            }
            return column
        }
        func labels(_ columns: [Int], _ range: Range<Int>) -> Tensor {
            let values = store.labels.values(of: indices[range], columns: columns)
            return Tensor(values, shape: [range.count, columns.count]).to(device)
        }
        let columns = try model.attributes.map(column)
        let group = try by.map { name in
            let column = try column(name)
            return (name: name, labels: { (range: Range<Int>) in labels([column], range).flattened() })
        }
        let line = ProgressLine("judging", total: indices.count, unit: .things("pictures"))
        let score = try cancellable(line) {
            try ConversionScore(
                model.converter, attributes: model.attributes, by: group, count: indices.count,
                pictures: { range in
                    if Interrupt.isRequested { throw CancellationError() }
                    line.update(range.lowerBound)
                    return (self.pictures(store, Array(indices[range]), device), labels(columns, range))
                })
        }
        let output = ConsoleOutput.standardOutput
        output.writeLine(
            "\(model.path): \(model.recipe.name), \(Readable.count(model.clock.images)) images seen; "
                + "\(Readable.count(indices.count, "picture")) \(ofPart) (\(store.data))\n")
        var table = Table(
            ["asked for the other", "turned", "of those seen", "in real ones", "others moved", "likeness"],
            alignments: [.left, .right, .right, .right, .right, .right])
        for line in score.lines {
            table.add([
                title(line), percent(line.flips), percent(line.flipsOfSeen),
                line.foundInReal.map(percent) ?? "–", percent(line.leakage), Readable.fixed(line.likeness, 3),
            ])
        }
        for line in table.lines(for: output) { output.writeLine(line) }
        output.writeLine(
            "\nturned: the judge finds what was asked for; of those seen: where it was right about the photograph; "
                + "in real ones: how often it finds the same in photographs that are so. likeness: cosine of \(score.likenessOf)'s features. PSNR of unchanged faces: "
                + "\(Readable.fixed(score.unchangedPSNR, 2)) dB")
        try writeJSON(
            score.lines.map { line in
                (
                    title(line),
                    [
                        ("turned", [line.flips]), ("turnedOfSeen", [line.flipsOfSeen]),
                        ("foundInReal", line.foundInReal.map { [$0] } ?? []),
                        ("othersMoved", [line.leakage]), ("likeness", [line.likeness]),
                    ]
                )
            }, store, indices.count)
    }

    private func pictures(_ store: FaceStore, _ indices: [Int], _ device: Device) -> Tensor {
        .pictures(store.pixels(of: indices), count: indices.count, side: store.size, on: device)
    }

    private func title(_ line: ConversionScore.Line) -> String {
        line.name + (line.group.map { ", \($0)" } ?? "")
    }

    private func percent(_ value: Double) -> String { Readable.fixed(100 * value, 1) + " %" }

    private func cancellable<Result>(_ line: ProgressLine, _ body: () throws -> Result) throws -> Result {
        defer { line.finish() }
        do { return try body() } catch is CancellationError {
            line.finish("Stopped; nothing was written.")
            throw ExitCode(Interrupt.exitStatus)
        }
    }

    /// Rows of named values, each a mean and what it may be off by, where that is known.
    private func writeJSON(_ rows: [(String, [(String, [Double])])], _ store: FaceStore, _ count: Int) throws
    {
        guard let json else { return }
        let values = Dictionary(
            uniqueKeysWithValues: rows.map { name, values in
                (name, Dictionary(uniqueKeysWithValues: values))
            })
        struct Report: Encodable {
            let source: String
            let dataProtocol: String
            let pictures: Int
            let values: [String: [String: [Double]]]
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let report = Report(source: source, dataProtocol: "\(store.data)", pictures: count, values: values)
        try AtomicFile.write(Array(try encoder.encode(report)) + [0x0A], to: json)
        ConsoleOutput.standardOutput.writeLine("Wrote \(json)")
    }
}
