import Checkpoints
import Datasets
import Foundation
import Imaging
import Models
import Recipes
import Testing
import Torch
import Training

/// Trainer of a face network, on synthetic faces of 16 x 16 pixels.
@Suite struct AttributeTrainerTests {
    static func recipe(_ overrides: [String] = []) throws -> Recipe {
        try Recipe.load(
            "attributes",
            overrides: [
                "resolution=16", "batchSize=8", "network.width=4", "network.depth=1", "training.logSteps=3",
                "training.scoreKimg=0.016", "training.saveMinutes=10000", "schedule.warmUpKimg=0",
                "schedule.endKimg=2",
            ] + overrides)
    }

    @Test func resumedRunEqualsUninterruptedRun() throws {
        let run = try TinyRun()
        for mixUp in ["0", "0.2"] {
            let recipe = try Self.recipe(["labels.mixUp=\(mixUp)"])
            try run.train("whole\(mixUp)", recipe, steps: 9)
            try run.train("parts\(mixUp)", recipe, steps: 4)
            try run.train("parts\(mixUp)", recipe, steps: 9)
            try run.expectEqual("whole\(mixUp)", "parts\(mixUp)")
        }
    }

    @Test func overfitsEightFaces() throws {
        let run = try TinyRun()
        let recipe = try Self.recipe(["data.flip=0", "data.crop=0", "average.halfLifeKimg=0"])
        let trainer = try run.open("run", recipe).trainer
        let faces = Array(0..<8)
        let labels = run.store.labels.rows(faces)
        let batch = ImageBatch(
            pixels: faces.flatMap { run.store.picture($0).pixels }, count: 8, size: 16,
            attributes: labels.attributes)
        for _ in 0..<3 { try trainer.step { _ in batch } }
        let early = try trainer.takeReport().scalars
        for _ in 0..<60 { try trainer.step { _ in batch } }
        _ = try trainer.takeReport()
        try trainer.step { _ in batch }
        let late = try trainer.takeReport().scalars
        #expect(early.map(\.key) == ["loss", "accuracy"])
        #expect(late[0].value < early[0].value / 3, "\(early) \(late)")
        #expect(late[1].value > 97, "accuracy on eight faces: \(late)")
    }

    /// The loss is the mean over known labels.
    @Test func unknownLabelsHaveNoWeight() throws {
        let recipe = try Self.recipe(["average.halfLifeKimg=0"])
        let trainer = try AttributeTrainer(
            recipe: recipe, attributes: ["Male", "Smiling"], seed: 3, precision: .fp32)
        let faces = try TinyRun().store
        let pixels = (0..<4).flatMap { faces.picture($0).pixels }
        let logits = withoutGradients {
            let images = Tensor(pixels.map { Float($0) / 127.5 - 1 }, shape: [4, 16, 16, 3]).permuted([
                0, 3, 1, 2,
            ])
            return trainer.network(images).floats()
        }
        let labels: [Int8] = [1, 0, -1, 0, 0, 0, -1, 1]
        try trainer.step { _ in ImageBatch(pixels: pixels, count: 4, size: 16, attributes: labels) }
        let loss = try trainer.takeReport().scalars[0].value
        let terms = zip(logits, labels).filter { $1 != 0 }.map { log(1 + exp(-Double($0) * Double($1))) }
        #expect(abs(loss - terms.reduce(0, +) / 4) < 1e-5)
    }

    @Test func requiresAttributesAndHeldOutPictures() throws {
        #expect(throws: TrainingError.self) {
            try AttributeTrainer(recipe: Self.recipe(), attributes: [], seed: 0)
        }
        let run = try TinyRun()
        #expect(throws: TrainingError.self) { try run.open("all", Self.recipe(["data.split=all"])) }
    }

    @Test func stateIsNotAGenerator() throws {
        let run = try TinyRun()
        try run.train("run", Self.recipe(), steps: 2)
        #expect(throws: CheckpointError.self) { try GeneratorModel(run.folder("run")) }
    }

    @Test func trainingAndValidationPartsAreDisjoint() throws {
        let store = try TinyRun().store
        let (train, validation) = (store.part(.train), store.part(.validation))
        #expect(Set(train).isDisjoint(with: validation) && train.count + validation.count == store.count)
        #expect((2...16).contains(validation.count), "about one in eight of 64: \(validation.count)")
        #expect(store.part(.test).isEmpty)
    }
}
