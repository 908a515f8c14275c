import Settings
import Torch
import TorchNN

/// The families of networks that a recipe can name.
public enum NetworkKind: String, Sendable, CaseIterable {
    case dcgan
    case denseDCGAN = "dcgan-dense"
    case residual
}

/// Which generator a recipe uses, and its size.
public struct GeneratorSettings: SettingsGroup, Equatable {
    public var kind = NetworkKind.dcgan
    public var latent = Latent()
    public var dcgan = DCGANSettings()
    public var denseDCGAN = DenseDCGANSettings()
    public var residual = ResidualSettings()

    public init() {}

    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.choice("kind", &kind, "Family of networks.")
        try v.group("latent", &latent, "What the generator starts from.")
        switch kind {
        case .dcgan: try dcgan.fields(&v)
        case .denseDCGAN: try denseDCGAN.fields(&v)
        case .residual: try residual.sizes(&v)
        }
    }

    /// A generator with starting values from `random`.
    public func make(resolution: Int, random: RandomSource) -> any Generator {
        let network: any Generator =
            switch kind {
            case .dcgan: DCGANGenerator(dcgan, latent: latent, resolution: resolution)
            case .denseDCGAN: DenseDCGANGenerator(denseDCGAN, latent: latent, resolution: resolution)
            case .residual: ResidualGenerator(residual, latent: latent, resolution: resolution)
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

    public init() {}

    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.choice("kind", &kind, "Family of networks.")
        switch kind {
        case .dcgan: try dcgan.fields(&v)
        case .denseDCGAN: try denseDCGAN.fields(&v)
        case .residual: try residual.fields(&v)
        }
    }

    /// A discriminator with starting values from `random`.
    public func make(resolution: Int, random: RandomSource) -> any Discriminator {
        let network: any Discriminator =
            switch kind {
            case .dcgan: DCGANDiscriminator(dcgan, resolution: resolution)
            case .denseDCGAN: DenseDCGANDiscriminator(denseDCGAN, resolution: resolution)
            case .residual: ResidualCritic(residual, resolution: resolution)
            }
        network.initialize(random)
        return network
    }
}
