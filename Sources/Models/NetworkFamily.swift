import Settings
import Synchronization
import Torch
import TorchNN

/// A family of generators and discriminators: the settings of its networks, and how they are made.
///
/// To add a family, write one file with its settings and networks, and add its settings to `NetworkFamilies.builtIn`.
public protocol NetworkFamily: SettingsGroup, Equatable {
    /// Name in recipes, such as `residual`.
    static var name: String { get }
    /// Whether the networks begin with small pictures and grow (`Growing`).
    static var grows: Bool { get }
    /// Whether the discriminator returns inner maps, for feature matching.
    static var keepsMaps: Bool { get }
    /// Visits the fields of the generator.
    mutating func generatorFields(_ v: inout some FieldVisitor) throws
    /// Visits the fields of the discriminator.
    mutating func discriminatorFields(_ v: inout some FieldVisitor) throws
    /// A generator with uninitialized weights.
    /// - Parameter labels: number K of attributes; 0 for an unconditional generator.
    func makeGenerator(latentSpace: LatentSpace, resolution: Int, labels: Int) -> any Generator
    /// A discriminator with uninitialized weights.
    func makeDiscriminator(resolution: Int, conditions: ConditionSettings) -> any Discriminator
    /// Self-attention of the generator: the side of its maps, 0 for none, and their channels, nil if no block has such maps.
    func generatorAttention(resolution: Int) -> (side: Int, channels: Int?)
    /// The same of the discriminator.
    func discriminatorAttention(resolution: Int) -> (side: Int, channels: Int?)
}

extension NetworkFamily {
    public static var grows: Bool { false }
    public static var keepsMaps: Bool { false }

    public mutating func generatorFields(_ v: inout some FieldVisitor) throws { try fields(&v) }
    public mutating func discriminatorFields(_ v: inout some FieldVisitor) throws { try fields(&v) }
    public func generatorAttention(resolution: Int) -> (side: Int, channels: Int?) { (0, nil) }
    public func discriminatorAttention(resolution: Int) -> (side: Int, channels: Int?) { (0, nil) }

    fileprivate func equals(_ other: any NetworkFamily) -> Bool { (other as? Self) == self }
}

/// The registry of network families.
public enum NetworkFamilies {
    /// The families of this package.
    private static let builtIn: [any NetworkFamily.Type] = [
        DCGANSettings.self, DenseDCGANSettings.self, ResidualSettings.self, ProgressiveSettings.self,
    ]

    private static let added = Mutex<[any NetworkFamily.Type]>([])

    /// Adds a family of another package. Its name must be new.
    public static func register(_ family: any NetworkFamily.Type) {
        precondition(named(family.name) == nil, "NetworkFamilies: \(family.name) is registered already")
        added.withLock { $0.append(family) }
    }

    /// All families, in the order of registration.
    public static var all: [any NetworkFamily.Type] { builtIn + added.withLock { $0 } }

    static func named(_ name: String) -> (any NetworkFamily.Type)? { all.first { $0.name == name } }
}

/// Network of one family, by its name in a recipe.
struct FamilyChoice: Sendable, Equatable {
    var network: any NetworkFamily = DCGANSettings()

    static func == (a: FamilyChoice, b: FamilyChoice) -> Bool { a.network.equals(b.network) }

    /// Visits the name of the family; another name selects the defaults of that family.
    mutating func visitKind(_ v: inout some FieldVisitor) throws {
        var name = type(of: network).name
        try v.choice("kind", &name, of: NetworkFamilies.all.map { $0.name }, "Network family.")
        if name != type(of: network).name, let family = NetworkFamilies.named(name) {
            network = family.init()
        }
    }

    /// The settings of a family; setting them selects that family.
    subscript<Family: NetworkFamily>(_: Family.Type) -> Family {
        get { network as? Family ?? Family() }
        set { network = newValue }
    }
}

/// The generator of a recipe.
public struct GeneratorSettings: SettingsGroup, Equatable {
    /// Size and distribution of z.
    public var latent = LatentSpace()
    private var choice = FamilyChoice()

    public init() {}

    public init(_ network: any NetworkFamily, latent: LatentSpace = .init()) {
        choice.network = network
        self.latent = latent
    }

    /// Settings of the network.
    public var network: any NetworkFamily { choice.network }

    /// The settings of a family; setting them selects that family.
    public subscript<Family: NetworkFamily>(family: Family.Type) -> Family {
        get { choice[family] }
        set { choice[family] = newValue }
    }

    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try choice.visitKind(&v)
        try v.group("latent", &latent, "Input of the generator.")
        try choice.network.generatorFields(&v)
    }

    /// A generator with initial weights from `random`.
    /// - Parameter labels: number K of attributes; 0 for an unconditional generator.
    public func make(resolution: Int, labels: Int = 0, random: RandomSource) -> any Generator {
        let network = self.network.makeGenerator(latentSpace: latent, resolution: resolution, labels: labels)
        network.initialize(random)
        return network
    }
}

/// The discriminator of a recipe.
public struct DiscriminatorSettings: SettingsGroup, Equatable {
    /// Number of discriminators, each for half the side of the one before.
    public var scales = 1
    private var choice = FamilyChoice()

    public init() {}

    public init(_ network: any NetworkFamily, scales: Int = 1) {
        choice.network = network
        self.scales = scales
    }

    /// Settings of the network.
    public var network: any NetworkFamily { choice.network }

    /// The settings of a family; setting them selects that family.
    public subscript<Family: NetworkFamily>(family: Family.Type) -> Family {
        get { choice[family] }
        set { choice[family] = newValue }
    }

    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try choice.visitKind(&v)
        try v.integer(
            "scales", &scales, in: 1...4,
            "Number of discriminators, each for half the side of the one before.")
        try choice.network.discriminatorFields(&v)
    }

    /// A discriminator with initial weights from `random`.
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
