import Datasets
import Foundation
import TestSupport
import Testing

struct StoreCacheTests {
    @Test func packsOnceAndFindsAgain() throws {
        let folder = try Fixtures.folder(4)
        let cacheFolder = try TemporaryFolder()
        let cache = StoreCache(folder: cacheFolder.path)
        var packed = 0
        func open(_ name: String, _ options: PreparationOptions = .init()) throws -> FaceStore {
            try cache.open(
                folder.path, protocol: .parse(name), options: options, packed: { _ in packed += 1 })
        }
        let first = try open("square16")
        #expect(packed == 1)
        #expect(try open("square16").path == first.path)
        #expect(packed == 1)
        #expect(first.path.hasPrefix(cacheFolder.path))

        // Another protocol, other options, another content: another store.
        _ = try open("square32")
        #expect(packed == 2)
        #expect(try open("square16", .init(limit: 2)).count == 2)
        #expect(packed == 3)
        try folder.write(Fixtures.png(50), to: "0001.png")
        #expect(try open("square16").contentHash != first.contentHash)
        #expect(packed == 4)

        // The number of threads decides nothing.
        _ = try open("square16", .init(threads: 1))
        #expect(packed == 4)
    }

    @Test func aBrokenStoreIsPackedAgain() throws {
        let folder = try Fixtures.folder(3)
        let cache = StoreCache(folder: folder.file("cache"))
        let source = try SourceOpener.open("builtin:3")
        let first = try cache.store(for: source, protocol: .parse("faces16"))
        try Data([1, 2, 3]).write(to: URL(fileURLWithPath: first.path))
        #expect(try cache.store(for: source, protocol: .parse("faces16")).contentHash == first.contentHash)
    }

    @Test func aStoreOfAnotherProtocolIsRefused() throws {
        let folder = try Fixtures.folder(3)
        let cache = StoreCache(folder: folder.file("cache"))
        let path = try cache.open("builtin:3", protocol: .parse("faces16")).path
        #expect(try cache.open(path, protocol: .parse("faces16")).path == path)
        let error = #expect(throws: DataError.self) { try cache.open(path, protocol: .parse("celeba16-178")) }
        #expect(error?.description.contains("faces16") == true)
        #expect(error?.description.contains("celeba16-178") == true)
        #expect(throws: DataError.self) {
            try cache.open(path, protocol: .parse("faces16"), options: .init(limit: 1))
        }
    }
}
