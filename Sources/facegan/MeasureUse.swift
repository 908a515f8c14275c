import ArgumentParser
import Console
import Evaluation
import Foundation
import Models
import Torch
import TorchNN

/// `facegan measure use`: how fast networks are in use, without reading or writing pictures; for `make bench`.
struct MeasureUse: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "use", abstract: "Measure how fast a network of random weights is in use.",
        discussion: """
            Examples:
              facegan measure use generator --batch 64
              facegan measure use classifier --batch 32 --precision fp32
            """)

    enum Network: String, ExpressibleByArgument, CaseIterable {
        /// DCGAN's generator at 64 x 64.
        case generator
        /// The residual face network at 128 x 128.
        case classifier
        /// The same network as `fd-face` uses it: from bytes of 64 x 64 to features, always in float32.
        case judge
        /// Inception-v3 of FID on pictures of 64 x 64, always in float32: other numbers would be another metric.
        case inception
    }

    @Argument(help: "generator, classifier, judge or inception.")
    var network: Network

    @Option(help: "Pictures at once.")
    var batch = 64

    @Option(help: "Channels next to the picture. (default: the network's own)")
    var width: Int?

    @Option(help: "How long.")
    var seconds = 3.0

    @Option(help: "fp32, bf16 or auto.")
    var precision: Precision = .auto

    @OptionGroup var place: DeviceOptions

    func run() throws {
        let device = try place.prepare()
        let random = RandomSource(seed: 0)
        let make: () -> Void
        switch network {
        case .generator:
            var settings = DCGANSettings()
            if let width { settings.filters = width }
            let generator = DCGANGenerator(settings)
            generator.initialize(random)
            generator.move(to: device, format: .channelsLast)
            let maker = GeneratorRunner(generator, precision: precision)
            let z = Latents(generator.latentSpace.sample(batch, random: random))
            make = { _ = maker.pixels(z, batchSize: batch) }
        case .classifier:
            let classifier = faceNetwork(random, device)
            let used = withoutGradients { classifier.folded() }
            let images = Tensor.normal([batch, 3, 128, 128], random: random).to(device).to(.channelsLast)
            let autocast = precision.resolved(for: device).autocast
            make = {
                withoutGradients { withAutocast(autocast, on: device) { _ = used(images).floats() } }
            }
        case .judge:
            let judge = faceNetwork(random, device)
            let used = withoutGradients { judge.foldedFeatures() }
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
