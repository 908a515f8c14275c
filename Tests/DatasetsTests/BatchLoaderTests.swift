import Datasets
import Files
import Foundation
import Imaging
import TestSupport
import Testing

struct BatchLoaderTests {
    private func store(_ count: Int = 20, in folder: TemporaryFolder) throws -> FaceStore {
        try StoreCache(folder: folder.path).open("builtin:\(count)", protocol: .parse("faces16"))
    }

    @Test func batchesFollowTheSampler() throws {
        let folder = try TemporaryFolder()
        let store = try store(in: folder)
        let loader = BatchLoader(store: store, batchSize: 6, seed: 4)
        var sampler = Sampler(count: 20, seed: 4)
        for k in 0..<10 {
            let batch = loader.next()
            #expect(batch.indices == sampler.next(6))
            #expect(batch.position == 6 * k)
            #expect(batch.end == loader.position)
            #expect(batch.pixels == batch.indices.flatMap { store.picture($0).pixels })
            #expect(
                batch.attributes
                    == batch.indices.flatMap { Array(store.labels.attributes[($0 * 40)..<($0 * 40 + 40)]) })
        }
        #expect(loader.idleSeconds >= 0)
    }

    @Test func resultsDoNotDependOnThreadsOrDepth() throws {
        let folder = try TemporaryFolder()
        let store = try store(in: folder)
        func run(_ threads: Int, _ depth: Int) -> [[UInt8]] {
            let loader = BatchLoader(
                store: store, batchSize: 7, seed: 1, augmentation: .full, threads: threads, depth: depth)
            return (0..<12).map { _ in loader.next().pixels }
        }
        let expected = run(1, 1)
        #expect(run(2, 4) == expected)
        #expect(run(5, 2) == expected)
    }

    @Test func resumesExactly() throws {
        let folder = try TemporaryFolder()
        let store = try store(in: folder)
        let loader = BatchLoader(store: store, batchSize: 9, seed: 2, augmentation: .full)
        for _ in 0..<5 { _ = loader.next() }
        let resumed = BatchLoader(
            store: store, batchSize: 9, seed: 2, augmentation: .full, position: loader.position)
        for _ in 0..<5 {
            let (a, b) = (loader.next(), resumed.next())
            #expect(a.pixels == b.pixels)
            #expect(a.indices == b.indices)
        }
    }

    @Test func dropsIncompleteBatches() throws {
        let folder = try TemporaryFolder()
        let store = try store(in: folder)
        let loader = BatchLoader(store: store, batchSize: 8, seed: 2, dropsLast: true)
        let batches = (0..<4).map { _ in loader.next() }
        #expect(batches.map(\.position) == [0, 8, 20, 28])
        #expect(Set(batches[0].indices + batches[1].indices).count == 16)
        let resumed = BatchLoader(
            store: store, batchSize: 8, seed: 2, position: batches[1].end, dropsLast: true)
        #expect(resumed.next().indices == batches[2].indices)
    }

    @Test func usesOnlyTheSubset() throws {
        let folder = try TemporaryFolder()
        let loader = BatchLoader(store: try store(in: folder), batchSize: 4, seed: 0, subset: [3, 5, 9])
        #expect(Set((0..<6).flatMap { _ in loader.next().indices }) == [3, 5, 9])
    }

    @Test func stopsWhileBatchesAreReady() throws {
        let folder = try TemporaryFolder()
        let store = try store(in: folder)
        for _ in 0..<20 {
            let loader = BatchLoader(store: store, batchSize: 3, seed: 0, threads: 3, depth: 2)
            _ = loader.next()
        }
    }
}

struct SamplerTests {
    @Test func returnsEveryItemOncePerEpoch() {
        var sampler = Sampler(count: 37, seed: 5)
        let first = sampler.next(37)
        let second = sampler.next(37)
        #expect(first.sorted() == Array(0..<37))
        #expect(second.sorted() == Array(0..<37))
        #expect(first != second)
        #expect(first != Array(0..<37))
        #expect(sampler.epoch == 2)
    }

    @Test func batchSizeDoesNotChangeTheSequence() {
        var whole = Sampler(count: 10, seed: 1)
        var parts = Sampler(count: 10, seed: 1)
        let expected = whole.next(47)
        var got: [Int] = []
        for n in [3, 7, 1, 0, 25, 11] { got += parts.next(n) }
        #expect(got == expected)
        #expect(parts.position == 47)
    }

    @Test(arguments: [0, 1, 9, 10, 11, 33, 40])
    func resumesFromThePosition(position: Int) {
        var whole = Sampler(count: 10, seed: 3)
        _ = whole.next(position)
        var resumed = Sampler(count: 10, seed: 3)
        resumed.position = position
        #expect(resumed.next(25) == whole.next(25))
    }

    @Test func seedsGiveDifferentOrders() {
        var a = Sampler(count: 50, seed: 0)
        var b = Sampler(count: 50, seed: 1)
        #expect(a.next(50) != b.next(50))
    }
}
