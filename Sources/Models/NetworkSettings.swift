import Settings
import Torch
import TorchNN

/// The families of networks that a recipe can name.
public enum NetworkKind: String, Sendable, CaseIterable {
    case dcgan
    case denseDCGAN = "dcgan-dense"
    case residual
    case progressive
}

/// Which generator a recipe uses, and its size.
public struct GeneratorSettings: SettingsGroup, Equatable {
    public var kind = NetworkKind.dcgan
    public var latent = LatentSpace()
    public var dcgan = DCGANSettings()
    public var denseDCGAN = DenseDCGANSettings()
    public var residual = ResidualSettings()
    public var progressive = ProgressiveSettings()

    public init() {}

    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.choice("kind", &kind, "Family of networks.")
        try v.group("latent", &latent, "What the generator starts from.")
        switch kind {
        case .dcgan: try dcgan.fields(&v)
        case .denseDCGAN: try denseDCGAN.fields(&v)
        case .residual: try residual.sizes(&v)
        case .progressive: try progressive.sizes(&v)
        }
    }

    /// Side of the maps that get self-attention, 0 for none, and their channels, nil where no block leaves such maps.
    public func attention(resolution: Int) -> (side: Int, channels: Int?) {
        switch kind {
        case .dcgan, .denseDCGAN: (0, nil)
        case .residual: residual.attention.place(among: residual.generatorMaps(resolution))
        case .progressive: progressive.attention.place(among: progressive.generatorMaps(resolution))
        }
    }

    /// A generator with starting values from `random`.
    /// - Parameter labels: how many attributes it is asked for.
    public func make(resolution: Int, labels: Int = 0, random: RandomSource) -> any Generator {
        let network: any Generator =
            switch kind {
            case .dcgan: DCGANGenerator(dcgan, latentSpace: latent, resolution: resolution, labels: labels)
            case .denseDCGAN:
                DenseDCGANGenerator(denseDCGAN, latentSpace: latent, resolution: resolution, labels: labels)
            case .residual:
                ResidualGenerator(residual, latentSpace: latent, resolution: resolution, labels: labels)
            case .progressive:
                ProgressiveGenerator(progressive, latentSpace: latent, resolution: resolution, labels: labels)
            }
        network.initialize(random)
        return network
    }
}

/// Which discriminator a recipe uses, and its size.
public struct DiscriminatorSettings: SettingsGroup, Equatable {
    public var kind = NetworkKind.dcgan
    public var dcgan = DCGANSettings()
    public var denseDCGAN = DenseDCGANSettings()
    public var residual = ResidualSettings()
    public var progressive = ProgressiveSettings()
    /// How many discriminators judge, each at half the side of the one before.
    public var scales = 1

    public init() {}

    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.choice("kind", &kind, "Family of networks.")
        try v.integer(
            "scales", &scales, in: 1...4, "Discriminators, each at half the side of the one before.")
        switch kind {
        case .dcgan: try dcgan.fields(&v)
        case .denseDCGAN: try denseDCGAN.fields(&v)
        case .residual: try residual.fields(&v)
        case .progressive: try progressive.fields(&v)
        }
    }

    /// Side of the maps that get self-attention, 0 for none, and their channels, nil where no block leaves such maps.
    public func attention(resolution: Int) -> (side: Int, channels: Int?) {
        switch kind {
        case .dcgan, .denseDCGAN: (0, nil)
        case .residual: residual.attention.place(among: residual.criticMaps(resolution))
        case .progressive: progressive.attention.place(among: progressive.criticMaps(resolution))
        }
    }

    /// A discriminator with starting values from `random`.
    public func make(
        resolution: Int, conditions: ConditionSettings = .init(), random: RandomSource
    ) -> any Discriminator {
        let parts = (0..<scales).map { one(resolution: resolution >> $0, conditions) }
        let network = scales == 1 ? parts[0] : PyramidDiscriminator(parts)
        network.initialize(random)
        return network
    }

    private func one(resolution: Int, _ conditions: ConditionSettings) -> any Discriminator {
        switch kind {
        case .dcgan: DCGANDiscriminator(dcgan, resolution: resolution, conditions: conditions)
        case .denseDCGAN:
            DenseDCGANDiscriminator(denseDCGAN, resolution: resolution, conditions: conditions)
        case .residual: ResidualCritic(residual, resolution: resolution, conditions: conditions)
        case .progressive: ProgressiveCritic(progressive, resolution: resolution, conditions: conditions)
        }
    }
}
