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

// Evaluation of networks from photographs to photographs, on photographs that were not used for training.
extension EvaluateCommand {
    /// Evaluates a restorer or a converter.
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
            throw CommandError("\(option): has no effect on a model of this kind; omit it")
        }
        if task == .restoration { try evaluateRestoration(device) } else { try evaluateConversion(device) }
        return true
    }

    /// Held-out photographs, under the protocol of the recipe.
    private func heldOut(_ recipe: Recipe) throws -> (store: FaceStore, indices: [Int]) {
        let record = RunDirectory.holdsRun(source) ? try RunRecord(folder: source) : nil
        guard let name = against ?? record?.data else {
            throw CommandError(
                "\(source): name photographs for the evaluation, such as --against img_align_celeba.zip")
        }
        let line = ProgressLine("packing \(name)", total: nil, unit: .things("pictures"))
        let store = try cancellable(line) {
            try TrainingData.open(
                name, for: recipe, progress: { line.update($0, total: $1) },
                cancelled: { Interrupt.isRequested })
        }
        guard store.size == recipe.resolution else {
            throw CommandError(
                "\(name): the pictures are \(store.size) pixels wide, the resolution of the model is \(recipe.resolution); name the "
                    + "source that the store was packed from")
        }
        let all = store.part(part ?? .validation)
        guard !all.isEmpty else {
            throw CommandError(
                "\(name): no pictures in this part; choose another one with --part train, validation or test")
        }
        return (store, Array(all.prefix(count ?? all.count)))
    }

    private var ofPart: String {
        switch part ?? .validation {
        case .train: "of the training part"
        case .validation, .test: "not used for training"
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
        let line = ProgressLine("evaluating", total: indices.count, unit: .things("pictures"))
        let score = try cancellable(line) {
            try RestorationScore(
                restorers, input: RestorerInput(newest.recipe.restoration.input),
                measures: try PairMeasure.available(side: side, device: device), count: indices.count,
                pictures: { range in self.pictures(store, Array(indices[range]), device) },
                progress: { line.update($0) }, isCancelled: { Interrupt.isRequested })
        }
        let output = OutputPath.messages(json)
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
                throw CommandError("\(store.path): the labels have no attribute \(name)\(near)")
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
        let line = ProgressLine("evaluating", total: indices.count, unit: .things("pictures"))
        let score = try cancellable(line) {
            try ConversionScore(
                model.converter, attributes: model.attributes, by: group, count: indices.count,
                pictures: { range in
                    if Interrupt.isRequested { throw CancellationError() }
                    line.update(range.lowerBound)
                    return (self.pictures(store, Array(indices[range]), device), labels(columns, range))
                })
        }
        let output = OutputPath.messages(json)
        output.writeLine(
            "\(model.path): \(model.recipe.name), \(Readable.count(model.clock.images)) images seen; "
                + "\(Readable.count(indices.count, "picture")) \(ofPart) (\(store.data))\n")
        var table = Table(
            ["change", "flipped", "of recognized", "in photographs", "leakage", "similarity"],
            alignments: [.left, .right, .right, .right, .right, .right])
        for line in score.lines {
            table.add([
                title(line), percent(line.flips), percent(line.flipsOfRecognized),
                line.foundInPhotographs.map(percent) ?? "–", percent(line.leakage),
                Readable.fixed(line.similarity, 3),
            ])
        }
        for line in table.lines(for: output) { output.writeLine(line) }
        output.writeLine(
            "\nflipped: the face network finds the requested value. of recognized: the same, for photographs that it classified "
                + "correctly. in photographs: rate at which it finds the value in photographs that have it. leakage: rate of other "
                + "attributes that changed. similarity: cosine of the features of \(score.similarityNetwork). PSNR of unchanged faces: "
                + "\(Readable.fixed(score.unchangedPSNR, 2)) dB")
        try writeJSON(
            score.lines.map { line in
                (
                    title(line),
                    [
                        ("turned", [line.flips]), ("turnedOfSeen", [line.flipsOfRecognized]),
                        ("foundInReal", line.foundInPhotographs.map { [$0] } ?? []),
                        ("othersMoved", [line.leakage]), ("likeness", [line.similarity]),
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

    /// Rows of named values. A value is a mean and, if known, half the width of its 95 % interval.
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
        OutputPath.messages(json).writeLine("Wrote \(json)")
    }
}
