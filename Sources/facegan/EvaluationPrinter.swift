import Console
import Evaluation
import Synchronization

/// Output of an evaluation as a table.
struct EvaluationPrinter {
    let output: ConsoleOutput

    func print(_ evaluation: Evaluation) {
        output.writeLine(side("evaluated", evaluation.evaluated))
        if let reference = evaluation.reference { output.writeLine(side("against", reference)) }
        output.writeLine()
        var table = Table(
            ["", "value", "95 % interval", "at N = ∞", "N", "features"],
            alignments: [.left, .right, .right, .right, .right, .left])
        for score in evaluation.scores {
            let arrow = score.isLowerBetter.map { $0 ? " ↓" : " ↑" } ?? ""
            let interval =
                score.low.flatMap { low in score.high.map { "\(number(low)) – \(number($0))" } } ?? ""
            let counts = [score.evaluatedCount, score.referenceCount].compactMap {
                $0.map { Readable.count($0) }
            }
            table.add([
                score.name + arrow, number(score.value), interval, score.atInfinity.map(number) ?? "",
                counts.joined(separator: " / "), score.features,
            ])
        }
        for line in table.lines(for: output) { output.writeLine(line) }
        let notes = evaluation.scores.flatMap { score in score.notes.map { "\(score.name): \($0)" } }
        if !notes.isEmpty || !evaluation.warnings.isEmpty { output.writeLine() }
        for warning in evaluation.warnings { output.writeLine(output.styled("warning: \(warning)", .bold)) }
        for note in notes { output.writeLine(note) }
        let far = evaluation.attributes.compactMap { share in
            share.reference.map { (share.name, share.evaluated, $0, abs(share.evaluated - $0)) }
        }.sorted { $0.3 > $1.3 }.prefix(3)
        if !far.isEmpty {
            output.writeLine(
                "largest differences of attributes: "
                    + far.map { "\($0.0) \(percent($0.1)) against \(percent($0.2))" }.joined(separator: ", "))
        }
        if !evaluation.accuracies.isEmpty { printAccuracies(evaluation) }
        output.writeLine()
        output.writeLine(
            "float32; protocol \(evaluation.evaluated.dataProtocol) (\(evaluation.evaluated.protocolHash)); "
                + "libtorch \(evaluation.engine); \(Readable.duration(evaluation.seconds))")
    }

    private func printAccuracies(_ evaluation: Evaluation) {
        output.writeLine()
        var table = Table(
            ["attribute", "accuracy", "95 % interval", "balanced", "positive"],
            alignments: [.left, .right, .right, .right, .right])
        for attribute in evaluation.accuracies {
            func share(_ value: Double) -> String { Readable.fixed(100 * value, 1) }
            table.add([
                attribute.name, share(attribute.accuracy),
                "\(share(attribute.low)) – \(share(attribute.high))",
                share(attribute.balanced), share(attribute.positives),
            ])
        }
        for line in table.lines(for: output) { output.writeLine(line) }
    }

    private func side(_ name: String, _ side: Evaluation.Side) -> String {
        let drawn = side.drawn.map {
            ", seeds \($0.seeds.lowerBound)-\($0.seeds.upperBound), \($0.weights) weights, \($0.precision)"
        }
        return "\(name) \(side.title): \(Readable.count(side.count, "picture"))\(drawn ?? "")"
    }

    private func percent(_ share: Double) -> String { Readable.fixed(100 * share, 0) + " %" }

    /// Four significant digits.
    private func number(_ value: Double) -> String {
        let size = abs(value)
        return Readable.fixed(value, size >= 1000 ? 0 : size >= 100 ? 1 : size >= 10 ? 2 : size >= 1 ? 3 : 4)
    }
}

/// Progress of an evaluation on the terminal. May be called from any thread.
final class EvaluationProgress: Sendable {
    private struct State {
        var line: ProgressLine?
        var title: String?
    }

    private let state = Mutex(State())

    func show(_ stage: EvaluationRequest.Stage) {
        switch stage {
        case .packing(let name, let done, let total):
            line("packing \(name)", total, "pictures").update(done, total: total)
        case .evaluating(.reading(let title, let done, let total)):
            line("evaluating \(title)", total, "pictures").update(done)
        case .evaluating(.computing(let metric)):
            line("computing \(metric)", nil, "parts").update(0)
        }
    }

    func finish() {
        state.withLock { state in
            state.line?.finish()
            state = State()
        }
    }

    /// The line with a title; another title replaces it.
    private func line(_ title: String, _ total: Int?, _ unit: String) -> ProgressLine {
        state.withLock { state in
            if let line = state.line, state.title == title { return line }
            state.line?.finish()
            let line = ProgressLine(title, total: total, unit: .things(unit))
            state = State(line: line, title: title)
            return line
        }
    }
}
