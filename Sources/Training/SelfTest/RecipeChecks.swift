import Datasets
import Recipes
import Torch
import TorchNN

// One training step of each bundled recipe.
extension SelfTest {
    /// Pictures of a step.
    private static let batchSize = 8

    static let recipeChecks: [Check] =
        [recordedSteps]
        + Recipe.library.flatMap { name, _ -> [Check] in
            let grows = (try? Recipe.load(name)).map(grows) ?? false
            let full = check(name, atFullSize: true, name)
            return grows ? [check("\(name), first side", atFullSize: false, name), full] : [full]
        }

    /// Ten steps of a small network with a decreasing learning rate: recorded on CUDA, direct on the CPU.
    static let recordedSteps = Check(group: .recipes, name: "ten recorded steps") { inputs in
        let network = Sequential(
            Conv2d(3, 8, kernel: 4, stride: 2, padding: 1), Activation.leakyReLU(),
            Conv2d(8, 1, kernel: 4, stride: 2, padding: 1))
        network.initialize(RandomSource(seed: 3))
        network.move(to: inputs.device, format: .channelsLast)
        let (pictures, targets) = (inputs.normal(8, 3, 16, 16), inputs.normal(8, 1, 4, 4))
        let optimizer = SGD(network.parameters, learningRate: 0, momentum: 0.9)
        let loss = Tensor.zeros([], on: inputs.device)
        let recorder = GraphRecorder(on: inputs.device)
        let counter = StepCounter()
        for _ in 0..<10 {
            counter.advance()
            recorder.run([0]) {
                optimizer.learningRate = recorder.factor { 0.1 / Double(counter.value) }
                let value = network(pictures).meanSquaredError(targets)
                optimizer.step(optimizer.gradients(of: value))
                withoutGradients { loss.copy_(value) }
            }
        }
        if let obstacle = recorder.obstacle { throw TrainingError.refused(obstacle) }
        return [("loss", loss)] + network.state.map { ("weights " + $0.key, $0.tensor) }
    }

    private static func grows(_ recipe: Recipe) -> Bool {
        if case .adversarial(let settings) = recipe.system { settings.grows } else { false }
    }

    /// Check of all tensors of a run after one step with the learning rate 0: gradients in the state of the optimizers,
    /// statistics, buffers and averages. Weights would differ by rounding alone, because Adam divides small gradients by their
    /// size.
    private static func check(_ title: String, atFullSize: Bool, _ name: String) -> Check {
        Check(group: .recipes, name: title) { inputs in
            let recipe = TrainingEstimate.startingWithLastPhase(try withoutLearning(Recipe.load(name)))
            let labels = TrainingEstimate.labels
            let trainer = try recipe.trainer(
                labels: labels, seed: 1, device: inputs.device, precision: inputs.precision,
                kernels: inputs.kernels, drawsOnCPU: true)
            if atFullSize, case .adversarial(let settings) = recipe.system, settings.grows {
                trainer.clock.images = Int(settings.growth.endKimg(resolution: recipe.resolution) * 1000)
                trainer.clockChanged()
            }
            // The pictures of a step must not depend on the number of previous calls.
            try trainer.step {
                batch($0, side: recipe.resolution, labels.attributeNames.count, inputs.random)
            }
            return trainer.state.sections.flatMap { section in
                section.tensors.filter { $0.tensor.dtype.isFloatingPoint }.map { key, tensor in
                    // The first part of an optimizer's key is the kind of the tensor, such as `mean`.
                    let kind = section.name.hasPrefix("optimizer") ? "." + key.prefix { $0 != "." } : ""
                    return (section.name + kind + " " + key, tensor)
                }
            }
        }
    }

    /// Random pictures with random attributes.
    private static func batch(_ count: Int, side: Int, _ attributes: Int, _ random: RandomSource)
        -> ImageBatch
    {
        let levels = Tensor.uniform([count * side * side * 3], 0, 255, random: random)
        let signs = Tensor.normal([count * attributes], random: random)
        return ImageBatch(
            pixels: levels.to(.uint8).bytes(), count: count, size: side,
            attributes: signs.floats().map { $0 < 0 ? -1 : 1 })
    }

    private static func withoutLearning(_ given: Recipe) -> Recipe {
        var recipe = given
        recipe.batchSize = batchSize
        switch recipe.system {
        case .adversarial(var settings):
            (settings.generatorOptimizer.learningRate, settings.discriminatorOptimizer.learningRate) = (0, 0)
            settings.growth.batchSizes = []
            recipe.system = .adversarial(settings)
        case .attributes(var settings):
            settings.optimizer.learningRate = 0
            recipe.system = .attributes(settings)
        case .restoration(var settings):
            (settings.restorerOptimizer.learningRate, settings.criticOptimizer.learningRate) = (0, 0)
            recipe.system = .restoration(settings)
        case .conversion(var settings):
            (settings.converterOptimizer.learningRate, settings.criticOptimizer.learningRate) = (0, 0)
            recipe.system = .conversion(settings)
        }
        return recipe
    }
}
