import Models
import Objectives
import Settings
import Torch
import TorchNN

// Losses, gradient penalties and augmentation.
extension SelfTest {
    private static func loss(
        _ name: String, _ body: @escaping @Sendable (Inputs) -> [(String, Tensor)]
    ) -> Check {
        Check(group: .losses, name: name, body: body)
    }

    private static let adversarial: [Check] = AdversarialLoss.Kind.allCases.map { kind in
        loss("adversarial, \(kind.rawValue)") { inputs in
            inputs.differentiated([inputs.normal(16), inputs.normal(16)]) { logits in
                let loss = AdversarialLoss(kind)
                return [
                    loss.discriminator(real: logits[0], fake: logits[1]),
                    loss.generator(fake: logits[1], real: logits[0]),
                ]
            }
        }
    }

    private static func maps(_ inputs: Inputs) -> [Tensor] {
        [inputs.normal(6, 8, 8, 8), inputs.normal(6, 12, 4, 4)]
    }

    static let lossChecks: [Check] =
        adversarial + [
            loss("attributes") { inputs in
                let signs = inputs.normal(8, 5).sign()
                return inputs.differentiated([inputs.normal(8, 5)]) {
                    [AttributeLoss.crossEntropy($0[0], attributes: signs)]
                }
            },
            loss("reconstruction") { inputs in
                let target = inputs.uniform(-1...1, 2, 3, 32, 32)
                return inputs.differentiated([inputs.uniform(-1...1, 2, 3, 32, 32)]) {
                    [ReconstructionLoss(dissimilarity: 10, squared: 10, absolute: 3)($0[0], target: target)]
                }
            },
        ]
        + PerceptualLoss.Kind.allCases.map { kind in
            loss("perceptual, \(kind.rawValue)") { inputs in
                let real = maps(inputs)
                return inputs.differentiated(maps(inputs)) { [PerceptualLoss(kind)(fake: $0, real: real)] }
            }
        }
        + FeatureMatching.Kind.allCases.map { kind in
            loss("feature matching, \(kind.rawValue)") { inputs in
                let real = maps(inputs)
                return inputs.differentiated(maps(inputs)) { [FeatureMatching(kind)(fake: $0, real: real)] }
            }
        }

    /// Check of a penalty: its value and its gradients with respect to the weights of a critic.
    private static func penalty(
        _ name: String, _ body: @escaping @Sendable (DiscriminatorContext) -> Tensor
    ) -> Check {
        Check(group: .penalties, name: name) { inputs in
            let critic = Sequential(
                Conv2d(3, 16, kernel: 4, stride: 2, padding: 1), Activation.leakyReLU(),
                Conv2d(16, 24, kernel: 4, stride: 2, padding: 1), LayerNorm([24, 4, 4]), Activation.silu(),
                Conv2d(24, 1, kernel: 4))
            critic.initialize(inputs.random)
            critic.move(to: inputs.device, format: .channelsLast)
            let (real, fake) = (inputs.uniform(-1...1, 8, 3, 16, 16), inputs.uniform(-1...1, 8, 3, 16, 16))
            let context = DiscriminatorContext(
                real: real, fake: fake, random: inputs.random, value: { .number($0.value(atKimg: 0)) },
                critic: { critic($0).flattened().to(.float32) })
            let value = body(context)
            let weights = critic.parameters
            let found = gradients(of: [value], wrt: weights.map(\.parameter.value))
            return [("value", value)]
                + zip(weights, found).compactMap { weight, one in
                    one.map { ("gradient of \(weight.key)", $0) }
                }
        }
    }

    /// Check of an augmentation of pictures, with gradients.
    private static func augmentation(_ name: String, _ settings: AugmentSettings) -> Check {
        Check(group: .penalties, name: name) { inputs in
            let augment = DiscriminatorAugmentation(settings, device: inputs.device)
            return inputs.differentiated([inputs.uniform(-1...1, 8, 3, 32, 32)]) {
                [augment($0[0], random: RandomSource(seed: 3))]
            }
        }
    }

    private static var ada: AugmentSettings {
        var settings = AugmentSettings(.ada)
        (settings.startProbability, settings.filter, settings.corruption) = (0.8, 1, 1)
        return settings
    }

    static let penaltyChecks: [Check] = [
        penalty("gradient penalty") { GradientPenalty(weight: 10).regularizer!.loss($0) },
        penalty("DRAGAN penalty") { DRAGANPenalty(weight: 10).regularizer!.loss($0) },
        penalty("R1 and R2") { ZeroCenteredPenalty(r1Gamma: 10, r2Gamma: 5).regularizer!.loss($0) },
        Check(group: .penalties, name: "path length") { inputs in
            let generator = Sequential(
                Linear(12, 32 * 16), Reshape(32, 4, 4), Activation.silu(),
                ConvTranspose2d(32, 3, kernel: 4, stride: 2, padding: 1))
            generator.initialize(inputs.random)
            generator.move(to: inputs.device)
            let w = inputs.normal(6, 12).requiringGradient()
            let noise = inputs.normal(6, 3, 8, 8)
            let lengths = PathLengthPenalty.lengths(w: w, images: generator(w), noise: noise)
            let weights = generator.parameters
            let found = gradients(of: [lengths.square().mean()], wrt: weights.map(\.parameter.value))
            return [("lengths", lengths)]
                + zip(weights, found).compactMap { weight, one in
                    one.map { ("gradient of \(weight.key)", $0) }
                }
        },
        augmentation("DiffAugment", AugmentSettings(.diffaugment)),
        augmentation("ADA", ada),
    ]
}
