import Imaging

/// An endless shuffled walk over a data set: every item once an epoch, in an order that belongs to (seed, epoch).
///
/// The position is the whole state. A sampler that is made again with the same count and seed and set to the same
/// position goes on exactly as the first would have.
///
///     var sampler = Sampler(count: 18_023, seed: 0)
///     let first = sampler.next(64)
public struct Sampler: Sendable {
    /// How many items an epoch has.
    public let count: Int
    public let seed: UInt64
    /// How many items were handed out since the beginning; set it to resume.
    public var position: Int {
        didSet { precondition(position >= 0, "Sampler.position: expected 0 or more, got \(position)") }
    }

    private var orderEpoch = -1
    private var order: [UInt32] = []

    public init(count: Int, seed: UInt64) {
        precondition(count > 0, "Sampler: expected at least one item, got \(count)")
        precondition(count <= Int(UInt32.max), "Sampler: expected at most 2^32 - 1 items, got \(count)")
        self.count = count
        self.seed = seed
        position = 0
    }

    /// The epoch of the next item, from 0.
    public var epoch: Int { position / count }

    /// The next `n` items, each in 0..<`count`. A batch may hold the end of one epoch and the beginning of the next.
    public mutating func next(_ n: Int) -> [Int] {
        precondition(n >= 0, "Sampler.next: expected 0 or more, got \(n)")
        var items: [Int] = []
        items.reserveCapacity(n)
        while items.count < n {
            let epoch = position / count
            if orderEpoch != epoch {
                var random = RandomStream(seed: seed, stream: Sampler.orderStream, index: UInt64(epoch))
                order = random.permutation(count)
                orderEpoch = epoch
            }
            let start = position % count
            let taken = min(n - items.count, count - start)
            for i in start..<(start + taken) { items.append(Int(order[i])) }
            position += taken
        }
        return items
    }

    private static let orderStream: UInt64 = 0x5A3B_1E01
}
