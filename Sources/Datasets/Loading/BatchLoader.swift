import Files
import Foundation
import Imaging

/// Loader of shuffled, augmented batches of a store. Background threads prepare batches in advance.
///
/// The content of a batch depends only on the store, the options, the seed and the position, never on threads or
/// timing. A loader that starts at the position where another one stopped returns the same batches.
///
///     let loader = BatchLoader(store: store, batchSize: 64, seed: 0, augmentation: .flips)
///     let batch = loader.next()                      // endless
///     let resumed = BatchLoader(store: store, batchSize: 64, seed: 0, augmentation: .flips, position: batch.end)
public final class BatchLoader: Sendable {
    private let state: LoaderState

    /// Creates a loader and starts its threads.
    /// - Parameters:
    ///   - store: the samples.
    ///   - batchSize: samples per batch. A batch can contain the end of one epoch and the beginning of the next.
    ///   - seed: seed of the order and the augmentation.
    ///   - augmentation: random transformations of the samples.
    ///   - subset: the samples to use, such as `store.indices(of: .train)`; nil for all.
    ///   - position: start position, in samples since the beginning.
    ///   - dropsLast: whether samples at the end of an epoch that do not fill a batch are skipped.
    ///   - threads: the number of threads that prepare batches.
    ///   - depth: the maximum number of prepared batches.
    ///   - loadsPixels: false for batches of indices, mirroring and labels, for pictures that are on a device already.
    ///     The augmentation must then only mirror.
    public init(
        store: FaceStore, batchSize: Int, seed: UInt64, augmentation: Augmentation = .none,
        subset: [Int]? = nil, position: Int = 0, dropsLast: Bool = false, threads: Int = 2, depth: Int = 4,
        loadsPixels: Bool = true
    ) {
        precondition(
            loadsPixels || augmentation.onlyMirrors,
            "BatchLoader: without pixels, expected an augmentation that only mirrors")
        let count = subset?.count ?? store.count
        precondition(batchSize > 0, "BatchLoader: expected a batch size above 0, got \(batchSize)")
        precondition(count > 0, "BatchLoader: expected a subset of at least one sample")
        precondition(threads > 0 && depth > 0, "BatchLoader: expected threads and depth above 0")
        precondition(
            !dropsLast || batchSize <= count,
            "BatchLoader: with dropsLast, expected a batch size of at most \(count), got \(batchSize)")
        var sampler = Sampler(count: count, seed: seed)
        sampler.position = position
        state = LoaderState(
            store: store, batchSize: batchSize, augmentation: augmentation, subset: subset, sampler: sampler,
            dropsLast: dropsLast, depth: depth, loadsPixels: loadsPixels)
        state.start(threads: threads)
    }

    deinit {
        state.stop()
    }

    /// Returns the next batch. Blocks until it is ready.
    public func next() -> ImageBatch {
        state.take()
    }

    /// Position of the next batch, in samples since the beginning. Exact resume has to save it.
    public var position: Int { state.position }

    /// Total time that `next` has waited for batches, in seconds. It remains near 0 if loading is fast enough.
    public var idleSeconds: Double { state.idleSeconds }
}

/// State shared with the threads of a loader. The threads do not retain the loader.
private final class LoaderState: Sendable {
    private struct State {
        var sampler: Sampler
        var claimed = 0
        var taken = 0
        var ready: [Int: ImageBatch] = [:]
        var nextPosition: Int
        var waited: UInt64 = 0
    }

    private let store: FaceStore
    private let batchSize: Int
    private let augmentation: Augmentation
    private let subset: [Int]?
    private let dropsLast: Bool
    private let depth: Int
    private let loadsPixels: Bool
    private let seed: UInt64
    private let threads: WorkerThreads<State>

    init(
        store: FaceStore, batchSize: Int, augmentation: Augmentation, subset: [Int]?, sampler: Sampler,
        dropsLast: Bool, depth: Int, loadsPixels: Bool
    ) {
        self.loadsPixels = loadsPixels
        self.store = store
        self.batchSize = batchSize
        self.augmentation = augmentation
        self.subset = subset
        self.dropsLast = dropsLast
        self.depth = depth
        seed = sampler.seed
        threads = WorkerThreads(State(sampler: sampler, nextPosition: sampler.position))
    }

    var position: Int { threads.read(\.nextPosition) }
    var idleSeconds: Double { threads.read { Double($0.waited) / 1e9 } }

    func start(threads count: Int) { threads.start(count, stackSize: 1 << 20) { self.prepareBatches() } }

    /// Stops the threads and waits for them.
    func stop() { threads.stop() }

    func take() -> ImageBatch {
        let ticket = threads.update { state in
            state.taken += 1
            return state.taken - 1
        }
        let start = DispatchTime.now().uptimeNanoseconds
        let batch: ImageBatch? = threads.wait { state, _ in
            guard let batch = state.ready.removeValue(forKey: ticket) else { return .notYet }
            state.nextPosition = batch.position + batch.count
            state.waited += DispatchTime.now().uptimeNanoseconds - start
            return .value(batch)
        }
        guard let batch else { preconditionFailure("BatchLoader.next: expected running threads") }
        return batch
    }

    private func prepareBatches() {
        while let (ticket, position, items) = claim() {
            let batch = make(items, position: position)
            threads.update { $0.ready[ticket] = batch }
        }
    }

    private func claim() -> (ticket: Int, position: Int, items: [Int])? {
        threads.wait { state, _ in
            guard state.claimed - state.taken < depth else { return .notYet }
            if dropsLast, state.sampler.count - state.sampler.position % state.sampler.count < batchSize {
                state.sampler.position = (state.sampler.epoch + 1) * state.sampler.count
            }
            let position = state.sampler.position
            state.claimed += 1
            return .value((state.claimed - 1, position, state.sampler.next(batchSize)))
        }
    }

    private func make(_ items: [Int], position: Int) -> ImageBatch {
        let indices = subset.map { subset in items.map { subset[$0] } } ?? items
        let bytes = loadsPixels ? store.sampleByteCount : 0
        let pixels = [UInt8](unsafeUninitializedCapacity: bytes * indices.count) { buffer, initialized in
            for (row, index) in indices.enumerated() where loadsPixels {
                let sample = UnsafeMutableBufferPointer(rebasing: buffer[(row * bytes)..<((row + 1) * bytes)])
                store.withImage(index) {
                    augmentation.apply(
                        from: $0, to: sample, size: store.size, seed: seed, position: position + row)
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
            classes: labels.classes.isEmpty ? [] : indices.map { labels.classes[$0] },
            mirrored: loadsPixels
                ? [] : indices.indices.map { augmentation.isMirrored(seed: seed, position: position + $0) })
    }
}

/// A batch of samples: contiguous pixels and their labels.
public struct ImageBatch: Sendable {
    /// RGB pixels, UInt8, [count, size, size, 3]; empty if the loader does not load pixels.
    public let pixels: [UInt8]
    /// The number of samples.
    public let count: Int
    /// Width and height of a sample in pixels.
    public let size: Int
    /// Indices of the samples in the store.
    public let indices: [Int]
    /// Position of the first sample, in samples since the beginning.
    public let position: Int
    /// Attributes, [count, A]: 1, -1 or 0 (unknown); empty if the store has no attributes.
    public let attributes: [Int8]
    /// Numbers of the persons, [count]; -1 unknown; empty if the store has no identities.
    public let identities: [Int32]
    /// Classes, [count]; -1 unknown; empty if the store has no classes.
    public let classes: [Int32]
    /// Whether the samples are mirrored, [count]; empty if `pixels` are mirrored already.
    public let mirrored: [Bool]

    /// Creates a batch from pixels and labels.
    ///
    /// - Parameters:
    ///   - pixels: RGB, [count, size, size, 3].
    ///   - count: number of pictures N.
    ///   - size: side of the pictures, in pixels.
    ///   - indices: indices of the pictures in their store.
    ///   - position: number of pictures before this batch.
    ///   - attributes: [N, K] of 1, -1 or 0, row by row; empty without attributes.
    ///   - identities: one per picture; empty without identities.
    ///   - classes: one per picture; empty without classes.
    ///   - mirrored: one per picture of a batch without pixels.
    public init(
        pixels: [UInt8], count: Int, size: Int, indices: [Int] = [], position: Int = 0,
        attributes: [Int8] = [],
        identities: [Int32] = [], classes: [Int32] = [], mirrored: [Bool] = []
    ) {
        precondition(
            pixels.count == (mirrored.isEmpty ? count * size * size * 3 : 0)
                && (mirrored.isEmpty || mirrored.count == count),
            "ImageBatch: expected \(count * size * size * 3) bytes, or none with \(count) flags of mirroring")
        self.mirrored = mirrored
        (self.pixels, self.count, self.size, self.indices) = (pixels, count, size, indices)
        (self.position, self.attributes, self.identities) = (position, attributes, identities)
        self.classes = classes
    }

    /// Position of the next batch.
    public var end: Int { position + count }
    /// Height of a sample in pixels.
    public var height: Int { size }
    /// Width of a sample in pixels.
    public var width: Int { size }
    /// The number of channels, 3.
    public var channels: Int { 3 }
}

/// Endless shuffled indices of a data set. Every epoch contains each item once, in an order determined by the seed
/// and the epoch.
///
/// The position is the complete state. A sampler with the same count, seed and position produces the same sequence.
///
///     var sampler = Sampler(count: 18_023, seed: 0)
///     let first = sampler.next(64)
public struct Sampler: Sendable {
    /// The number of items per epoch.
    public let count: Int
    /// Seed of the order.
    public let seed: UInt64
    /// The number of items returned since the beginning. Set it to resume.
    public var position: Int {
        didSet { precondition(position >= 0, "Sampler.position: expected 0 or more, got \(position)") }
    }

    private var orderEpoch = -1
    private var order: [UInt32] = []

    /// Creates a sampler at position 0. `count` must be in 1...2^32 - 1.
    public init(count: Int, seed: UInt64) {
        precondition(count > 0, "Sampler: expected at least one item, got \(count)")
        precondition(count <= Int(UInt32.max), "Sampler: expected at most 2^32 - 1 items, got \(count)")
        self.count = count
        self.seed = seed
        position = 0
    }

    /// Epoch of the next item, starting at 0.
    public var epoch: Int { position / count }

    /// Returns the next `n` items, each in 0..<`count`. They can contain the end of one epoch and the beginning of
    /// the next.
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
