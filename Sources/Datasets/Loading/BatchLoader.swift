import Foundation
import Imaging

/// Hands out shuffled, augmented batches of a store; threads in the background make the next ones ready.
///
/// What a batch holds depends on the store, the seed and its position alone, never on threads or timing: a loader that
/// starts at the position where another one stopped returns the same batches.
///
///     let loader = BatchLoader(store: store, batchSize: 64, seed: 0, augmentation: .flips)
///     let batch = loader.next()                      // endless
///     let resumed = BatchLoader(store: store, batchSize: 64, seed: 0, augmentation: .flips, position: batch.end)
public final class BatchLoader: Sendable {
    private let workshop: Workshop

    /// - Parameters:
    ///   - batchSize: samples a batch; a batch may hold the end of one epoch and the beginning of the next.
    ///   - seed: decides order and augmentation.
    ///   - subset: the samples to use, such as `store.indices(of: .train)`; nil for all.
    ///   - position: where to begin, in samples since the first.
    ///   - dropsLast: leaves out the samples at an epoch's end that do not fill a batch.
    ///   - threads: how many threads prepare batches.
    ///   - depth: how many batches may wait ready.
    public init(
        store: FaceStore, batchSize: Int, seed: UInt64, augmentation: Augmentation = .none,
        subset: [Int]? = nil,
        position: Int = 0, dropsLast: Bool = false, threads: Int = 2, depth: Int = 4
    ) {
        let count = subset?.count ?? store.count
        precondition(batchSize > 0, "BatchLoader: expected a batch size above 0, got \(batchSize)")
        precondition(count > 0, "BatchLoader: expected a subset of at least one sample")
        precondition(threads > 0 && depth > 0, "BatchLoader: expected threads and depth above 0")
        precondition(
            !dropsLast || batchSize <= count,
            "BatchLoader: with dropsLast, expected a batch size of at most \(count), got \(batchSize)")
        var sampler = Sampler(count: count, seed: seed)
        sampler.position = position
        workshop = Workshop(
            store: store, batchSize: batchSize, augmentation: augmentation, subset: subset, sampler: sampler,
            dropsLast: dropsLast, depth: depth)
        workshop.start(threads: threads)
    }

    deinit {
        workshop.stop()
    }

    /// The next batch; waits if it is not ready.
    public func next() -> ImageBatch {
        workshop.take()
    }

    /// Where the next batch begins, in samples since the first: what exact resume has to save.
    public var position: Int { workshop.position }

    /// How long `next` has waited for batches so far, in seconds: near 0 where loading keeps up.
    public var idleSeconds: Double { workshop.idleSeconds }
}

/// What the loader shares with its threads, which must not keep the loader itself alive.
private final class Workshop: @unchecked Sendable {
    private let store: FaceStore
    private let batchSize: Int
    private let augmentation: Augmentation
    private let subset: [Int]?
    private let dropsLast: Bool
    private let depth: Int
    private let condition = NSCondition()
    // Guarded by the condition.
    private var sampler: Sampler
    private var claimed = 0
    private var taken = 0
    private var ready: [Int: ImageBatch] = [:]
    private var nextPosition: Int
    private var waited: UInt64 = 0
    private var isStopped = false
    private var running = 0

    init(
        store: FaceStore, batchSize: Int, augmentation: Augmentation, subset: [Int]?, sampler: Sampler,
        dropsLast: Bool, depth: Int
    ) {
        self.store = store
        self.batchSize = batchSize
        self.augmentation = augmentation
        self.subset = subset
        self.sampler = sampler
        self.dropsLast = dropsLast
        self.depth = depth
        nextPosition = sampler.position
    }

    var position: Int { condition.withLock { nextPosition } }
    var idleSeconds: Double { condition.withLock { Double(waited) / 1e9 } }

    func start(threads: Int) {
        running = threads
        for _ in 0..<threads {
            let thread = Thread { self.work() }
            thread.stackSize = 1 << 20
            thread.start()
        }
    }

    /// Ends the threads and waits for them.
    func stop() {
        condition.lock()
        isStopped = true
        condition.broadcast()
        while running > 0 { condition.wait() }
        condition.unlock()
    }

    func take() -> ImageBatch {
        condition.lock()
        defer { condition.unlock() }
        let ticket = taken
        taken += 1
        condition.broadcast()
        let start = DispatchTime.now().uptimeNanoseconds
        while true {
            if let batch = ready.removeValue(forKey: ticket) {
                nextPosition = batch.position + batch.count
                waited += DispatchTime.now().uptimeNanoseconds - start
                return batch
            }
            condition.wait()
        }
    }

    private func work() {
        while let (ticket, position, items) = claim() {
            let batch = make(items, position: position)
            condition.lock()
            ready[ticket] = batch
            condition.broadcast()
            condition.unlock()
        }
        condition.lock()
        running -= 1
        condition.broadcast()
        condition.unlock()
    }

    private func claim() -> (ticket: Int, position: Int, items: [Int])? {
        condition.lock()
        defer { condition.unlock() }
        while claimed - taken >= depth, !isStopped { condition.wait() }
        guard !isStopped else { return nil }
        if dropsLast, sampler.count - sampler.position % sampler.count < batchSize {
            sampler.position = (sampler.epoch + 1) * sampler.count
        }
        let position = sampler.position
        claimed += 1
        return (claimed - 1, position, sampler.next(batchSize))
    }

    private func make(_ items: [Int], position: Int) -> ImageBatch {
        let indices = subset.map { subset in items.map { subset[$0] } } ?? items
        let bytes = store.sampleByteCount
        let pixels = [UInt8](unsafeUninitializedCapacity: bytes * indices.count) { buffer, initialized in
            for (row, index) in indices.enumerated() {
                let sample = UnsafeMutableBufferPointer(rebasing: buffer[(row * bytes)..<((row + 1) * bytes)])
                store.withImage(index) {
                    augmentation.apply(
                        from: $0, to: sample, size: store.size, seed: sampler.seed, position: position + row)
                }
            }
            initialized = bytes * indices.count
        }
        let labels = store.labels
        let width = labels.attributeNames.count
        return ImageBatch(
            pixels: pixels, count: indices.count, size: store.size, indices: indices, position: position,
            attributes: labels.attributes.isEmpty
                ? [] : indices.flatMap { labels.attributes[($0 * width)..<(($0 + 1) * width)] },
            identities: labels.identities.isEmpty ? [] : indices.map { labels.identities[$0] },
            classes: labels.classes.isEmpty ? [] : indices.map { labels.classes[$0] })
    }
}

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

/// Endless shuffled indices of a data set: every item once per epoch, in an order that follows from (seed, epoch).
///
/// The position is the whole state. A sampler that is made again with the same count and seed and set to the same
/// position continues like the first one.
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
