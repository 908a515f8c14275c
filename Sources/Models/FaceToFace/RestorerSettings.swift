import Settings
import Torch
import TorchNN

/// Which network restores pictures, and its size.
public struct RestorerSettings: SettingsGroup, Equatable {
    /// The families that a recipe can name.
    public enum Kind: String, Sendable, CaseIterable {
        /// Through a bottleneck and back.
        case autoencoder
        /// Super resolution by plain residual blocks.
        case srresnet
        /// Super resolution by residual-in-residual dense blocks.
        case rrdb
    }

    public var kind = Kind.autoencoder
    public var autoencoder = FaceAutoencoderSettings()
    public var enlarger = EnlargerSettings()

    public init() {}

    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.choice("kind", &kind, "Family of networks.")
        switch kind {
        case .autoencoder: try autoencoder.fields(&v)
        case .srresnet: try enlarger.fields(&v)
        case .rrdb: try enlarger.denseFields(&v)
        }
    }

    /// A restorer with starting values from `random`.
    /// - Parameters:
    ///   - resolution: side of its pictures.
    ///   - scale: how many times as large as what it takes they are.
    public func make(resolution: Int, scale: Int, random: RandomSource) -> any Restorer {
        let network: any Restorer =
            switch kind {
            case .autoencoder: FaceAutoencoder(autoencoder, resolution: resolution)
            case .srresnet: ResidualEnlarger(enlarger, scale: scale)
            case .rrdb: DenseEnlarger(enlarger, scale: scale)
            }
        network.initialize(random)
        return network
    }
}
