import Settings

/// Size of a network for super resolution.
public struct EnlargerSettings: SettingsGroup, Equatable {
    /// Channels of the inner maps.
    public var filters = 64
    /// Residual blocks at the small side.
    public var blocks = 16
    /// Channels that a layer of a dense block adds; only `rrdb` has them.
    public var growth = 32

    public init() {}

    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.integer("filters", &filters, in: 1...512, "Channels of the inner maps.")
        try v.integer("blocks", &blocks, in: 1...64, "Residual blocks at the small side.")
    }

    mutating func denseFields(_ v: inout some FieldVisitor) throws {
        try fields(&v)
        try v.integer("growth", &growth, in: 1...256, "Channels that a layer of a dense block adds.")
    }
}
