import Foundation
import Recipes
import Testing
import Torch
import TorchNN
import Training

/// Things that go wrong on purpose, between two steps of a run.
enum Faults {
    typealias Fault = @Sendable (any Trainer) -> Void

    /// The discriminator's weights overflow before a step, in as many attempts as asked for.
    static func nan(atStep step: Int, attempts: Int = 1) -> Fault {
        { trainer in
            guard trainer.clock.steps == step - 1, trainer.recoveries.all.count < attempts else { return }
            change(discriminator(trainer)) { $0.fill_(.nan) }
        }
    }

    /// The generator's last layer is driven so far that its tanh is flat everywhere.
    static func saturation(fromStep step: Int) -> Fault {
        { trainer in
            guard trainer.clock.steps == step - 1, let last = generator(trainer).parameters.last else {
                return
            }
            withoutGradients { last.parameter.value.multiply_(1e9) }
        }
    }

    /// Pictures that differ a lot from the first step on, until the latents stop to matter and all become the same.
    static func collapse(fromStep step: Int, toStep end: Int = .max) -> Fault {
        { trainer in
            let weights = generator(trainer).parameters.map(\.parameter.value)
            guard let first = weights.first, let last = weights.last else { return }
            withoutGradients {
                if trainer.clock.steps == 0 { last.multiply_(50) }
                if (step - 1..<end).contains(trainer.clock.steps) { first.multiply_(0) }
            }
        }
    }

    /// The critic becomes steeper at once.
    static func steepness(atStep step: Int) -> Fault {
        { trainer in
            guard trainer.clock.steps == step - 1 else { return }
            change(discriminator(trainer)) { $0.multiply_(1.3) }
        }
    }

    static func generator(_ trainer: any Trainer) -> Module { trainer.networks[0].network }
    static func discriminator(_ trainer: any Trainer) -> Module { trainer.networks[1].network }

    private static func change(_ network: Module, _ body: (Tensor) -> Void) {
        withoutGradients {
            for (key, parameter) in network.parameters where key.hasSuffix("weight") { body(parameter.value) }
        }
    }
}

extension TinyRun {
    /// Opens a run, breaks it as asked, and trains to a step.
    @discardableResult
    func train(_ name: String, _ recipe: Recipe, steps: Int, fault: @escaping Faults.Fault) throws
        -> TrainingRun
    {
        let run = try open(name, recipe)
        run.beforeStep = fault
        #expect(try run.run(until: .init(steps: steps), output: nil, isCancelled: { false }) == .finished)
        return run
    }

    /// What the supervisor said, in order.
    func verdicts(_ name: String) throws -> [String] {
        try records(name, with: "verdict").map {
            ($0["verdict"] as? String ?? "") + ($0["over"] == nil ? "" : " over")
        }
    }
}
