import Settings
import Torch
import TorchNN

/// Network that restores or enlarges pictures.
public protocol Restorer: Module {
    /// Upscaling factor: side of the output over side of the input.
    var scale: Int { get }
    /// Only accepted side of the input, in pixels; nil for any.
    var inputSide: Int? { get }
    /// Radius of the receptive field, in pixels of the input.
    var reach: Int { get }
    /// Restores pictures.
    /// - Parameter images: [N, 3, H, W] in -1...1.
    /// - Returns: [N, 3, scale H, scale W], approximately in -1...1.
    func callAsFunction(_ images: Tensor) -> Tensor
}

/// Network family and size of a restorer.
public struct RestorerSettings: SettingsGroup, Equatable {
    /// Network families, by their names in recipes.
    public enum Kind: String, Sendable, CaseIterable {
        /// Autoencoder with a narrow bottleneck.
        case autoencoder
        /// Super resolution with plain residual blocks.
        case srresnet
        /// Super resolution with residual-in-residual dense blocks.
        case rrdb
    }

    /// Network family.
    public var kind = Kind.autoencoder
    /// Size of an autoencoder.
    public var autoencoder = FaceAutoencoderSettings()
    /// Size of a super-resolution network.
    public var enlarger = EnlargerSettings()

    /// Creates settings with the default values.
    public init() {}

    /// Visits the fields.
    /// - Throws: errors of the visitor; throws no others.
    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.choice("kind", &kind, "Network family of the restorer.")
        switch kind {
        case .autoencoder: try autoencoder.fields(&v)
        case .srresnet: try enlarger.fields(&v)
        case .rrdb: try enlarger.denseFields(&v)
        }
    }

    /// Creates a restorer with initial weights from `random`.
    /// - Parameters:
    ///   - resolution: side of the output, in pixels.
    ///   - scale: upscaling factor.
    ///   - random: stream of the initial weights.
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
