import ArgumentParser
import Console
import Evaluation
import Foundation
import Models
import Recipes
import Torch
import TorchNN
import Training

/// `facegan measure`: measurements for `make bench`.
struct MeasureCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "measure", abstract: "Measure speed.", shouldDisplay: false,
        subcommands: [MeasureCritic.self, MeasureUse.self, MeasureLayers.self])
}

/// `facegan measure critic`: speed of discriminator steps, for `make bench`.
struct MeasureCritic: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "critic",
        abstract: "Measure the speed of discriminator steps of a recipe.",
        discussion: """
            A step without generator and data loading: both losses, the penalty of the recipe, and the optimizer.

            Examples:
              facegan measure critic --recipe wgan-gp --set batchSize=32 --steps 8 --every 2
            """)

    @Option(help: "Name of a recipe, or a YAML file.")
    var recipe = "wgan-gp"

    @Option(
        name: .customLong("set"), parsing: .upToNextOption,
        help: ArgumentHelp(
            "Change values of the recipe. May be repeated.", valueName: "path=value ..."))
    var overrides: [String] = []

    @Option(parsing: .unconditional, help: "Number of steps.")
    var steps = 8

    @Option(parsing: .unconditional, help: "Steps of one measurement.")
    var every = 2

    @Option(help: "fp32, bf16 or auto.")
    var precision: Precision = .auto

    @OptionGroup var place: DeviceOptions

    func validate() throws {
        try place.validate()
        try NumberRange.check("--steps", steps, 1...1_000_000)
        try NumberRange.check("--every", every, 1...1_000_000)
    }

    func run() throws {
        let recipe = try Recipe.load(recipe, overrides: overrides)
        let rates = try TrainingEstimate.measureDiscriminator(
            recipe, device: try place.prepare(), precision: precision, steps: steps, every: every)
        ConsoleOutput.standardOutput.writeLine("{\"imagesPerSecond\": \(rates)}")
    }
}

/// `facegan measure layers`: speed of the convolutions of DCGAN-64 and of the processor, for `make bench`.
struct MeasureLayers: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "layers",
        abstract: "Measure convolutions, forward and backward, with fast and plain kernels.",
        discussion: """
            Examples:
              facegan measure layers
              facegan measure layers --batch 64 --precision fp32
            """)

    @Option(parsing: .unconditional, help: "Batch size.")
    var batch = 128

    @Option(help: "fp32, bf16 or auto.")
    var precision: Precision = .auto

    @Option(parsing: .unconditional, help: "Number of measurements; the median is reported.")
    var times = 9

    @OptionGroup var place: DeviceOptions

    /// A convolution of [batch, inputs, side, side].
    private struct Shape {
        let name: String
        let inputs, outputs, side, kernel, stride, padding: Int
        var isTransposed = false

        var outputSide: Int {
            isTransposed
                ? (side - 1) * stride - 2 * padding + kernel : (side + 2 * padding - kernel) / stride + 1
        }
        /// Operations of a forward pass of one picture; a multiplication and an addition count as two.
        var operations: Int {
            let small = isTransposed ? side : outputSide
            return 2 * inputs * outputs * kernel * kernel * small * small
        }
    }

    private static let shapes: [Shape] =
        [(3, 64, 64), (64, 128, 32), (128, 256, 16), (256, 512, 8)].map {
            Shape(
                name: "D \($0)->\($1) @\($2)", inputs: $0, outputs: $1, side: $2, kernel: 4, stride: 2,
                padding: 1)
        }
        + [(512, 256, 4), (256, 128, 8), (128, 64, 16), (64, 3, 32)].map {
            Shape(
                name: "G \($0)->\($1) @\($2)", inputs: $0, outputs: $1, side: $2, kernel: 4, stride: 2,
                padding: 1, isTransposed: true)
        }
        + [(128, 32), (256, 16), (512, 8)].map {
            Shape(
                name: "3x3 \($0)->\($0) @\($1)", inputs: $0, outputs: $0, side: $1, kernel: 3, stride: 1,
                padding: 1)
        }

    func validate() throws {
        try NumberRange.check("--batch", batch, NumberRange.batch)
        try NumberRange.check("--times", times, 1...10_000)
    }

    func run() throws {
        let device = try place.prepare()
        let precision = precision.resolved(for: device)
        let dtype: DType = precision.autocast ?? .float32
        var layers: [[String: Any]] = []
        for shape in Self.shapes { layers.append(measure(shape, dtype, device)) }
        let report: [String: Any] = [
            "precision": precision.rawValue, "batch": batch, "threads": Engine.threadCount,
            "productPerSecond": product(dtype, device), "copyBytesPerSecond": copy(device), "layers": layers,
        ]
        let json = try JSONSerialization.data(withJSONObject: report, options: [.sortedKeys])
        ConsoleOutput.standardOutput.writeLine(String(decoding: json, as: UTF8.self))
    }

    /// Median of the run time, in seconds.
    private func middle(_ device: Device, _ body: () -> Void) -> Double {
        var seconds: [Double] = []
        for turn in 0..<(times + 2) {
            let start = ProcessInfo.processInfo.systemUptime
            body()
            Engine.synchronize(device)
            if turn >= 2 { seconds.append(ProcessInfo.processInfo.systemUptime - start) }
        }
        return seconds.sorted()[seconds.count / 2]
    }

    /// Operations per second of a square matrix product.
    private func product(_ dtype: DType, _ device: Device) -> Double {
        let random = RandomSource(seed: 1)
        let side = 2048
        let a = Tensor.normal([side, side], random: random).to(device).to(dtype)
        return 2 * Double(side * side * side) / middle(device) { _ = a.matmul(a) }
    }

    /// Bytes read and written per second by a copy that exceeds the caches.
    private func copy(_ device: Device) -> Double {
        let a = Tensor.zeros([1 << 26], on: device)
        let b = Tensor.zeros(like: a)
        return 2 * 4 * Double(1 << 26) / middle(device) { b.copy_(a) }
    }

    private func measure(_ shape: Shape, _ dtype: DType, _ device: Device) -> [String: Any] {
        let random = RandomSource(seed: 2)
        let input = Tensor.normal([batch, shape.inputs, shape.side, shape.side], random: random)
            .to(device).to(dtype).to(.channelsLast).requiringGradient()
        let ends = shape.isTransposed ? [shape.inputs, shape.outputs] : [shape.outputs, shape.inputs]
        let weight = Tensor.normal(ends + [shape.kernel, shape.kernel], random: random)
            .to(device).to(.channelsLast).requiringGradient()
        let autocast: DType? = dtype == .bfloat16 ? dtype : nil
        func forward() -> Tensor {
            withAutocast(autocast, on: device) {
                shape.isTransposed
                    ? input.convTranspose2d(
                        weight: weight, bias: nil, stride: shape.stride, padding: shape.padding)
                    : input.conv2d(
                        weight: weight, bias: nil, stride: shape.stride, padding: shape.padding)
            }
        }
        var found: [String: Any] = ["name": shape.name, "operations": shape.operations * batch]
        let outputCount = batch * shape.outputs * shape.outputSide * shape.outputSide
        found["bytes"] = (input.count + outputCount + weight.count) * dtype.byteCount
        for kernels in Kernels.allCases {
            withKernels(kernels) {
                let output = forward()
                let seed = Tensor.ones(like: output.detached())
                found["\(kernels.rawValue)Forward"] = middle(device) { withoutGradients { _ = forward() } }
                found["\(kernels.rawValue)Input"] = middle(device) {
                    _ = gradients(of: [output], wrt: [input], seeds: [seed], retainGraph: true)
                }
                found["\(kernels.rawValue)Weight"] = middle(device) {
                    _ = gradients(of: [output], wrt: [weight], seeds: [seed], retainGraph: true)
                }
            }
        }
        return found
    }
}

/// `facegan measure use`: speed of inference without reading and writing pictures, for `make bench`.
struct MeasureUse: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "use", abstract: "Measure the speed of inference of a network with random weights.",
        discussion: """
            Examples:
              facegan measure use generator --batch 64
              facegan measure use classifier --batch 32 --precision fp32
            """)

    enum Network: String, ExpressibleByArgument, CaseIterable {
        /// Generator of DCGAN at 64 x 64.
        case generator
        /// Compact generator of StyleGAN2 at 64 x 64.
        case stylegan2
        /// The residual face network at 128 x 128.
        case classifier
        /// The same network as `fd-face` uses it: from bytes of 64 x 64 to features, always in float32.
        case features
        /// Inception-v3 of FID on pictures of 64 x 64, always in float32, as FID is defined.
        case inception
    }

    @Argument(help: "generator, stylegan2, classifier, features or inception.")
    var network: Network

    @Option(parsing: .unconditional, help: "Batch size.")
    var batch = 64

    @Option(
        parsing: .unconditional,
        help: "Channels of the layer next to the picture. (default: from the network)")
    var width: Int?

    @Option(parsing: .unconditional, help: "Duration, in seconds.")
    var seconds = 3.0

    @Option(help: "fp32, bf16 or auto.")
    var precision: Precision = .auto

    @OptionGroup var place: DeviceOptions

    func validate() throws {
        try place.validate()
        try NumberRange.check("--batch", batch, NumberRange.batch)
        try NumberRange.check("--width", width, 1...4096)
        try NumberRange.check("--seconds", seconds, NumberRange.seconds)
    }

    /// Computation of a batch of pictures by a generator with random weights.
    private func generating(_ generator: any Generator, _ random: RandomSource, _ device: Device)
        -> () -> Void
    {
        generator.initialize(random)
        generator.move(to: device, format: .channelsLast)
        let runner = GeneratorRunner(generator, precision: precision)
        let z = Latents(generator.latentSpace.sample(batch, random: random))
        return { _ = runner.pixels(z, batchSize: batch) }
    }

    func run() throws {
        let device = try place.prepare()
        let random = RandomSource(seed: 0)
        let make: () -> Void
        switch network {
        case .generator:
            var settings = DCGANSettings()
            if let width { settings.filters = width }
            make = generating(DCGANGenerator(settings), random, device)
        case .stylegan2:
            var settings = StyleGAN2Settings()
            (settings.channelBase, settings.mappingLayers) = (8192, 2)
            settings.maxFilters = width ?? 256
            make = generating(StyleGAN2Generator(settings, resolution: 64), random, device)
        case .classifier:
            let classifier = faceNetwork(random, device)
            let used = withoutGradients { classifier.folded() }
            let images = Tensor.normal([batch, 3, 128, 128], random: random).to(device).to(.channelsLast)
            let autocast = precision.resolved(for: device).autocast
            make = {
                withoutGradients { withAutocast(autocast, on: device) { _ = used(images).floats() } }
            }
        case .features:
            let network = faceNetwork(random, device)
            let used = withoutGradients { network.foldedFeatures() }
            let pixels = [UInt8](repeating: 100, count: batch * 64 * 64 * 3)
            make = {
                withoutGradients {
                    _ = used(.pictures(pixels, count: batch, side: 64, on: device)).floats()
                }
            }
        case .inception:
            let inception = Inception()
            inception.initialize(random)
            inception.move(to: device, format: .channelsLast)
            let images = Tensor.uniform([batch, 3, 64, 64], -1, 1, random: random).to(device).to(
                .channelsLast)
            make = { withoutGradients { _ = inception.features(images).floats() } }
        }
        for _ in 0..<3 { make() }
        let start = Date()
        var rates: [Double] = []
        while Date().timeIntervalSince(start) < seconds || rates.count < 3 {
            let begun = Date()
            make()
            rates.append(Double(batch) / Date().timeIntervalSince(begun))
        }
        rates.sort()
        ConsoleOutput.standardOutput.writeLine("{\"imagesPerSecond\": \(rates[rates.count / 2])}")
    }

    private func faceNetwork(_ random: RandomSource, _ device: Device) -> FaceNetwork {
        let network = FaceNetwork(width: width ?? 32)
        network.initialize(random)
        network.move(to: device, format: .channelsLast)
        network.train(false)
        return network
    }
}
