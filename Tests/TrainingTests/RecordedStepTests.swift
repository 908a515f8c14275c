import Datasets
import Foundation
import Models
import Recipes
import TestSupport
import Testing
import Torch
import TorchNN
import Training

/// Steps that can be recorded as CUDA graphs. On the CPU they run as they are recorded: inputs in fixed tensors, changing
/// numbers as tensors, no copies between host and device, and equal operator calls in all steps of a kind.
@Suite struct RecordedStepTests {
    /// Recipes and settings that cover all regularizers, schedules and kinds of networks.
    static let cases: [(recipe: String, overrides: [String])] = [
        ("dcgan", []),
        ("dcgan", ["generatorOptimizer.clipNorm=1", "steps.discriminator=2", "steps.generator=2"]),
        (
            "dcgan",
            [
                "zeroCenteredPenalty.r1Gamma={kind: linear, from: 10, to: 1, endKimg: 1}",
                "zeroCenteredPenalty.every=4",
            ]
        ),
        ("dcgan", ["instanceNoise.deviation=0.1", "instanceNoise.endKimg=10"]),
        ("dcgan", ["augment.kind=diffaugment"]),
        ("dcgan", ["augment.kind=ada", "augment.startProbability=0.2", "augment.everySteps=2"]),
        ("wgan", []), ("wgan-gp", []), ("lsgan", []), ("sagan", []), ("progan", []), ("detail", []),
        ("stylegan2", ["augment.startProbability=0.2", "zeroCenteredPenalty.every=2"]),
        ("stylegan2", ["augment.kind=none", "enlargement.fromSide=8", "enlargement.fadeKimg=0.06"]),
        (
            "r3gan",
            [
                "augment.probability={from: 0.2, to: 0.6, endKimg: 0.05}", "schedule.endKimg=0.05",
                "average.halfLifeKimg.endKimg=0.05", "zeroCenteredPenalty.r1Gamma.endKimg=0.05",
                "generatorOptimizer.beta2.endKimg=0.05", "discriminatorOptimizer.beta2.endKimg=0.05",
            ]
        ),
        ("conditional", ["conditions.attributes=[Smiling, Eyeglasses]"]),
    ]

    @Test(arguments: cases) func stepsCanBeRecorded(_ recipe: String, _ overrides: [String]) throws {
        let recipe = try TinyRun.recipe(recipe, overrides)
        // Growing networks have their second growth after 14 steps.
        try compare(recipe, TinyRun(), steps: recipe.adversarial.grows ? 20 : 10)
    }

    @Test(arguments: ["", "labels.mixUp=0.4"]) func stepsOfFaceNetworksCanBeRecorded(_ override: String)
        throws
    {
        let overrides = [
            "resolution=16", "batchSize=8", "network.width=4", "network.depth=1", "schedule.warmUpKimg=0.04",
            "average.halfLifeKimg=0.1",
        ]
        let recipe = try Recipe.load(
            "attributes", overrides: overrides + (override.isEmpty ? [] : [override]))
        try compare(recipe, TinyRun(), steps: 10)
    }

    @Test(
        arguments: [
            ("dfl", []), ("superres", []),
            ("superres", ["loss.kind=relativistic", "input.degradation=realistic"]),
            ("convert", []), ("convert", ["converter.flipFraction=0.5", "augment.kind=diffaugment"]),
        ] as [(String, [String])])
    func stepsOfFaceToFaceNetworksCanBeRecorded(_ recipe: String, _ overrides: [String]) throws {
        // Phases of about five steps, so that all of them are recorded.
        try compare(FaceToFaceTrainerTests.recipe(recipe, overrides), TinyRun(side: 32), steps: 22)
    }

    /// Expects equal weights of a trainer that runs directly and of one that runs as if its steps were recorded.
    private func compare(_ recipe: Recipe, _ run: TinyRun, steps: Int) throws {
        func trainer() throws -> any Trainer {
            try recipe.trainer(labels: run.store.labels, seed: 0, precision: .fp32)
        }
        let (direct, recorded) = try (trainer(), trainer())
        recorded.graphs.rehearse()
        for trainer in [direct, recorded] {
            let loader = BatchLoader(store: run.store, batchSize: 4, seed: 0, augmentation: .flips)
            var batches: [Int: BatchLoader] = [4: loader]
            for _ in 0..<steps {
                try trainer.step { count in
                    let loader = batches[count] ?? BatchLoader(store: run.store, batchSize: count, seed: 0)
                    batches[count] = loader
                    return loader.next()
                }
            }
        }
        #expect(recorded.graphs.recordedKinds > 0)
        // Numbers that are tensors are rounded to float32, so results differ in last digits.
        let (a, b) = (direct.networks.flatMap(\.network.state), recorded.networks.flatMap(\.network.state))
        for ((key, x), (_, y)) in zip(a, b) where x.dtype.isFloatingPoint {
            // The gradient of a bias before a normalization is rounding alone, which Adam divides by its size.
            if recipe.system.kind != .adversarial, x.shape.count < 2 { continue }
            let scale = max(1e-3, x.abs().max().item())
            #expect((x - y).abs().max().item() < 1e-4 * scale, "\(key)")
        }
    }

    @Test func aRecordedScalarHasTheValueOfItsSource() {
        let scalars = RecordedScalars(on: .cpu)
        var value = 0.5
        let factors = [scalars.factor { value }, scalars.factor { 2 * value }]
        value = 3
        scalars.update()
        let numbers = factors.map { (Tensor([1, 2]) * $0).floats() }
        #expect(numbers == [[3, 6], [6, 12]])
    }

    @Test func copiesToTheHostAreNoticed() async {
        await #expect(processExitsWith: .failure) { withoutHostTransfers { _ = Tensor.ones([2]).floats() } }
        await #expect(processExitsWith: .failure) { withoutHostTransfers { _ = Tensor([1, 2]) } }
        withoutHostTransfers { _ = Tensor.ones([2]) * 2 }
    }

    @Test func residentPicturesEqualThoseOfTheLoader() throws {
        let store = try TinyRun().store
        let resident = ResidentPictures(of: store, on: .cpu)
        let augmentation = Augmentation(flip: 0.5)
        let subset = Array(stride(from: 1, to: store.count, by: 2))
        func loader(_ loadsPixels: Bool) -> BatchLoader {
            BatchLoader(
                store: store, batchSize: 20, seed: 3, augmentation: augmentation, subset: subset,
                loadsPixels: loadsPixels)
        }
        let (full, bare) = (loader(true), loader(false))
        for _ in 0..<3 {
            let (a, b) = (full.next(), bare.next())
            #expect(b.pixels.isEmpty && Set(b.mirrored).count == 2 && a.indices == b.indices)
            let expected = Tensor.pictures(a.pixels, count: a.count, side: a.size, on: .cpu)
            let found = resident[Tensor(b.indices), mirrored: Tensor(b.mirrored.map { $0 ? 1 : 0 })]
            #expect(found.shape == expected.shape && (found - expected).abs().max().item() == 0)
        }
    }
}
