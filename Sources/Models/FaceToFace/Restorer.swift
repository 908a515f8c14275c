import Settings
import Torch
import TorchNN

/// A network that restores or enlarges pictures.
public protocol Restorer: Module {
    /// Upscaling factor: side of its output over side of its input.
    var scale: Int { get }
    /// The only accepted side of the input, in pixels; nil for any.
    var inputSide: Int? { get }
    /// Radius of the receptive field, in pixels of the input.
    var reach: Int { get }
    /// - Parameter images: [N, 3, H, W], in -1...1.
    /// - Returns: [N, 3, scale H, scale W], about in -1...1.
    func callAsFunction(_ images: Tensor) -> Tensor
}

/// Family and size of a restorer.
public struct RestorerSettings: SettingsGroup, Equatable {
    /// Families by their names in recipes.
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
