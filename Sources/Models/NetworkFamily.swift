import Settings
import Synchronization
import Torch
import TorchNN

/// Family of generators and discriminators: settings of the networks and how to create them.
///
/// To add a family, write one file with its settings and networks, and add its settings to `NetworkFamilies.builtIn`.
public protocol NetworkFamily: SettingsGroup, Equatable {
    /// Name in recipes, such as `residual`.
    static var name: String { get }
    /// Whether the networks start with small pictures and grow (`Growing`).
    static var grows: Bool { get }
    /// Whether the discriminator returns feature maps, which feature matching requires.
    static var keepsMaps: Bool { get }
    /// Whether the networks can continue those for smaller pictures (`FadesIn`).
    static var fadesIn: Bool { get }
    /// Visits the fields of the generator.
    /// - Throws: errors of the visitor; throws no others.
    mutating func generatorFields(_ v: inout some FieldVisitor) throws
    /// Visits the fields of the discriminator.
    /// - Throws: errors of the visitor; throws no others.
    mutating func discriminatorFields(_ v: inout some FieldVisitor) throws
    /// Creates a generator with uninitialized weights.
    /// - Parameters:
    ///   - latentSpace: size and distribution of z.
    ///   - resolution: side of the pictures, in pixels.
    ///   - labels: number K of attributes; 0 for an unconditional generator.
    func makeGenerator(latentSpace: LatentSpace, resolution: Int, labels: Int) -> any Generator
    /// Creates a discriminator with uninitialized weights.
    /// - Parameters:
    ///   - resolution: side of the pictures, in pixels.
    ///   - conditions: attributes and how they are used.
    func makeDiscriminator(resolution: Int, conditions: ConditionSettings) -> any Discriminator
    /// Rule between the fields and the resolution that these settings break: the key of the field and what it expects.
    /// - Parameter resolution: side of the pictures, a power of two from 8.
    func brokenRule(resolution: Int) -> (key: String, expected: String)?
    /// Self-attention of the generator: side of its maps (0 for none) and their channels (nil if no block has such
    /// maps).
    func generatorAttention(resolution: Int) -> (side: Int, channels: Int?)
    /// Self-attention of the discriminator: side of its maps (0 for none) and their channels (nil if no block has
    /// such maps).
    func discriminatorAttention(resolution: Int) -> (side: Int, channels: Int?)
}

extension NetworkFamily {
    /// False by default.
    public static var grows: Bool { false }
    /// False by default.
    public static var keepsMaps: Bool { false }
    /// False by default.
    public static var fadesIn: Bool { false }

    /// Visits all fields.
    /// - Throws: errors of the visitor; throws no others.
    public mutating func generatorFields(_ v: inout some FieldVisitor) throws { try fields(&v) }
    /// Visits all fields.
    /// - Throws: errors of the visitor; throws no others.
    public mutating func discriminatorFields(_ v: inout some FieldVisitor) throws { try fields(&v) }
    /// No rule by default.
    public func brokenRule(resolution: Int) -> (key: String, expected: String)? { nil }
    /// No self-attention by default.
    public func generatorAttention(resolution: Int) -> (side: Int, channels: Int?) { (0, nil) }
    /// No self-attention by default.
    public func discriminatorAttention(resolution: Int) -> (side: Int, channels: Int?) { (0, nil) }

    fileprivate func equals(_ other: any NetworkFamily) -> Bool { (other as? Self) == self }
}

/// Registry of network families.
public enum NetworkFamilies {
    /// Families of this package.
    private static let builtIn: [any NetworkFamily.Type] = [
        DCGANSettings.self, DenseDCGANSettings.self, ResidualSettings.self, ProgressiveSettings.self,
        StyleGAN2Settings.self, R3GANSettings.self,
    ]

    private static let added = Mutex<[any NetworkFamily.Type]>([])

    /// Registers a family of another package. Its name must not be registered.
    public static func register(_ family: any NetworkFamily.Type) {
        precondition(named(family.name) == nil, "NetworkFamilies: \(family.name) is already registered")
        added.withLock { $0.append(family) }
    }

    /// All families, in the order of registration.
    public static var all: [any NetworkFamily.Type] { builtIn + added.withLock { $0 } }

    /// Family with a name; nil if there is none.
    static func named(_ name: String) -> (any NetworkFamily.Type)? { all.first { $0.name == name } }
}

/// Network of one family, selected by the name of the family in a recipe.
struct FamilyChoice: Sendable, Equatable {
    var network: any NetworkFamily = DCGANSettings()

    static func == (a: FamilyChoice, b: FamilyChoice) -> Bool { a.network.equals(b.network) }

    /// Visits the name of the family. Another name selects the default settings of that family.
    mutating func visitKind(_ v: inout some FieldVisitor) throws {
        var name = type(of: network).name
        try v.choice("kind", &name, of: NetworkFamilies.all.map { $0.name }, "Network family.")
        if name != type(of: network).name, let family = NetworkFamilies.named(name) {
            network = family.init()
        }
    }

    /// Settings of a family. Setting them selects that family.
    subscript<Family: NetworkFamily>(_: Family.Type) -> Family {
        get { network as? Family ?? Family() }
        set { network = newValue }
    }
}

/// Generator of a recipe.
public struct GeneratorSettings: SettingsGroup, Equatable {
    /// Size and distribution of z.
    public var latent = LatentSpace()
    private var choice = FamilyChoice()

    /// Creates settings of a DCGAN generator with default values.
    public init() {}

    /// Creates settings from a family and a latent space.
    public init(_ network: any NetworkFamily, latent: LatentSpace = .init()) {
        choice.network = network
        self.latent = latent
    }

    /// Settings of the network.
    public var network: any NetworkFamily { choice.network }

    /// Settings of a family. Setting them selects that family.
    public subscript<Family: NetworkFamily>(family: Family.Type) -> Family {
        get { choice[family] }
        set { choice[family] = newValue }
    }

    /// Visits the fields.
    /// - Throws: errors of the visitor; throws no others.
    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try choice.visitKind(&v)
        try v.group("latent", &latent, "Input of the generator.")
        try choice.network.generatorFields(&v)
    }

    /// Creates a generator with initial weights from `random`.
    /// - Parameters:
    ///   - resolution: side of the pictures, in pixels.
    ///   - labels: number K of attributes; 0 for an unconditional generator.
    ///   - random: stream of the initial weights.
    public func make(resolution: Int, labels: Int = 0, random: RandomSource) -> any Generator {
        let network = self.network.makeGenerator(latentSpace: latent, resolution: resolution, labels: labels)
        network.initialize(random)
        return network
    }
}

/// Discriminator of a recipe.
public struct DiscriminatorSettings: SettingsGroup, Equatable {
    /// Number of discriminators, each for half the side of the previous one.
    public var scales = 1
    private var choice = FamilyChoice()

    /// Creates settings of a DCGAN discriminator with default values.
    public init() {}

    /// Creates settings from a family and a number of scales.
    public init(_ network: any NetworkFamily, scales: Int = 1) {
        choice.network = network
        self.scales = scales
    }

    /// Settings of the network.
    public var network: any NetworkFamily { choice.network }

    /// Settings of a family. Setting them selects that family.
    public subscript<Family: NetworkFamily>(family: Family.Type) -> Family {
        get { choice[family] }
        set { choice[family] = newValue }
    }

    /// Visits the fields.
    /// - Throws: errors of the visitor; throws no others.
    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try choice.visitKind(&v)
        try v.integer(
            "scales", &scales, in: 1...4,
            "Number of discriminators, each for half the side of the previous one.")
        try choice.network.discriminatorFields(&v)
    }

    /// Creates a discriminator with initial weights from `random`.
    /// - Parameters:
    ///   - resolution: side of the pictures, in pixels.
    ///   - conditions: attributes and how they are used.
    ///   - random: stream of the initial weights.
    public func make(
        resolution: Int, conditions: ConditionSettings = .init(), random: RandomSource
    ) -> any Discriminator {
        let parts = (0..<scales).map {
            self.network.makeDiscriminator(resolution: resolution >> $0, conditions: conditions)
        }
        let network = scales == 1 ? parts[0] : PyramidDiscriminator(parts)
        network.initialize(random)
        return network
    }
}
