/// Samples in the form that training takes them: pixels one after the other, and what is known about them.
public struct ImageBatch: Sendable {
    /// [count, size, size, 3], UInt8, RGB.
    public let pixels: [UInt8]
    /// How many samples there are.
    public let count: Int
    /// Width and height in pixels.
    public let size: Int
    /// Which samples of the store these are.
    public let indices: [Int]
    /// The position of the first sample in the walk over the data, in samples since the first.
    public let position: Int
    /// [count, A], 1, -1 or 0 (not known); empty where the store has no attributes.
    public let attributes: [Int8]
    /// [count], -1 not known; empty where the store has no identities.
    public let identities: [Int32]
    /// [count], -1 not known; empty where the store has no classes.
    public let classes: [Int32]

    /// A batch of one's own.
    public init(
        pixels: [UInt8], count: Int, size: Int, indices: [Int] = [], position: Int = 0,
        attributes: [Int8] = [],
        identities: [Int32] = [], classes: [Int32] = []
    ) {
        precondition(
            pixels.count == count * size * size * 3, "ImageBatch: expected \(count * size * size * 3) bytes")
        (self.pixels, self.count, self.size, self.indices) = (pixels, count, size, indices)
        (self.position, self.attributes, self.identities) = (position, attributes, identities)
        self.classes = classes
    }

    /// Where the next batch begins.
    public var end: Int { position + count }
    public var height: Int { size }
    public var width: Int { size }
    public var channels: Int { 3 }
}
