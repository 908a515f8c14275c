import Settings

/// Where a network of some family gets self-attention; its field stands among the family's.
public struct AttentionSettings: SettingsGroup, Equatable {
    /// Side of the maps that get it; 0 for none.
    public var side = 0

    public init() {}

    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.integer(
            "attentionSide", &side, in: 0...512, "Side of the maps that get self-attention; 0: none.")
    }

    /// The layer for maps of one size; nil where they do not get it.
    func layer(for maps: (side: Int, channels: Int), weights: SelfAttention2d.Weights) -> SelfAttention2d? {
        maps.side == side ? SelfAttention2d(maps.channels, weights: weights) : nil
    }

    /// The side that is asked for, and the channels of the network's maps of that side; nil where it leaves none.
    func place(among maps: [(side: Int, channels: Int)]) -> (side: Int, channels: Int?) {
        (side, maps.first { $0.side == side }?.channels)
    }
}
