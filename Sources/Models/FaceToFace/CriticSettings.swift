import Settings
import Torch
import TorchNN

/// Which critic judges restored pictures, and its size.
public struct CriticSettings: SettingsGroup, Equatable {
    /// The families that a recipe can name.
    public enum Kind: String, Sendable, CaseIterable {
        /// A U-Net that judges patches and pixels.
        case unet
        /// Strided 5 x 5 convolutions, then one dense layer.
        case dense
        /// Pairs of convolutions, then two dense layers, as super resolution has it.
        case vgg
    }

    public var kind = Kind.unet
    /// Side of what a logit in the middle of the U-Net sees.
    public var patchSize = 16
    /// Channels next to the picture.
    public var filters = 16

    public init() {}

    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.choice("kind", &kind, "Family of networks.")
        try v.integer(
            "filters", &filters, in: 1...512, "Channels next to the picture; doubled at each halving.")
        if kind == .unet {
            try v.integer(
                "patchSize", &patchSize, in: 3...640, "Side of the patches that are judged, in pixels.")
        }
    }

    /// Sides of pictures are multiples of this.
    public var sideUnit: Int {
        kind == .unet ? PatchFields.strides(patchSize: patchSize).reduce(1, *) : 8
    }

    /// A critic with starting values from `random`.
    public func make(resolution: Int, random: RandomSource) -> any Discriminator {
        let network: any Discriminator
        switch kind {
        case .unet: network = PatchCritic(patchSize: patchSize, filters: filters)
        case .dense:
            var settings = DenseDCGANSettings()
            (settings.filters, settings.maxFilters) = (filters, 8 * filters)
            network = DenseDCGANDiscriminator(settings, resolution: resolution)
        case .vgg: network = VGGCritic(filters: filters, resolution: resolution)
        }
        network.initialize(random)
        return network
    }
}
