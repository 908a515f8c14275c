import Models
import Settings
import Torch
import TorchNN

/// Fade-in of the larger blocks of a StyleGAN2 that starts from a network for smaller pictures.
public struct EnlargementSettings: SettingsGroup, Equatable {
    /// Side of the pictures of the smaller network; 0 for none. `facegan train --from` sets it.
    public var fromSide = 0
    /// Length of the fade-in, in thousands of images.
    public var fadeKimg = 50.0

    /// Creates the default settings.
    public init() {}

    /// Visits every setting and checks the rules between them.
    /// - Throws: errors of the visitor.
    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.integer(
            "fromSide", &fromSide, in: 0...512,
            "Side of the pictures of the smaller network that a run started from; 0: none. Set by --from.")
        try v.check(
            fromSide == 0 || (fromSide >= 8 && fromSide.nonzeroBitCount == 1), "fromSide",
            "0, or a power of two from 8")
        try v.number(
            "fadeKimg", &fadeKimg, in: 0...1e6,
            "Thousands of images over which the larger blocks fade in; 0: at once.")
    }

    /// Weight of the larger blocks after a number of images, 0...1; nil for a network that was not enlarged.
    public func weight(images: Int) -> Double? {
        guard fromSide > 0 else { return nil }
        return fadeKimg > 0
            ? Scheduled(.linear, from: 0.0, to: 1, endKimg: fadeKimg).value(atKimg: Double(images) / 1000) : 1
    }
}

extension AdversarialSettings {
    /// Prepares a network for the fade-in of the recipe, if it has one.
    func prepareFade(of network: Module, random: RandomSource) {
        guard enlargement.fromSide > 0 else { return }
        (network as? any FadesIn)?.prepareFade(from: enlargement.fromSide, random: random)
    }

    /// Prefixes of the keys of layers that a network uses during its fade-in only.
    /// - Parameter isGenerator: true for the generator, false for the discriminator.
    public func fadingKeys(isGenerator: Bool) -> [String] {
        let network = isGenerator ? generator.network : discriminator.network
        guard enlargement.fromSide > 0, let settings = network as? StyleGAN2Settings else { return [] }
        return settings.fadingKeys(from: enlargement.fromSide, isGenerator: isGenerator)
    }

    /// Sets the weight of the larger blocks of networks after a number of images. Networks of other kinds do not change.
    public func setFade(of networks: [Module?], images: Int) {
        let weight = enlargement.weight(images: images)
        for network in networks {
            (network as? any FadesIn)?.fade = weight.flatMap { $0 < 1 ? .number($0) : nil }
        }
    }
}
