import Files
import Foundation

/// Cache of packed stores. A store is packed on first use.
///
/// The cache is in `$FACEGAN_CACHE`, or `~/.cache/facegan` by default. The key consists of the source's content, the
/// protocol and the options. The same archive at another path is therefore found, and a changed archive at the same
/// path is not.
public struct StoreCache: Sendable {
    /// The folder of the cache.
    public let folder: String

    /// Version of the decoding. It changes when the pixels of a format change, such as through its orientation.
    private static let decoding = "2"

    /// Creates a cache.
    /// - Parameter folder: nil for the default folder.
    public init(folder: String? = nil) {
        self.folder = folder ?? CacheFolder.path
    }

    /// Returns the path of the store of a source, whether it exists or not.
    public func path(
        for source: any PictureSource, protocol data: DataProtocol,
        options: PreparationOptions = PreparationOptions()
    ) -> String {
        var key = Fingerprint("store")
        key.add(StoreFormat.version)
        key.add(Self.decoding)
        key.add(source.fingerprint)
        key.add(data.hash)
        key.add(options.text)
        let stem = source.name.prefix { $0 != "." && $0 != "@" }.map { $0.isLetter || $0.isNumber ? $0 : "-" }
        return "\(folder)/stores/\(String(stem.prefix(40)))-\(data.name)-\(key.finish().prefix(16)).faces"
    }

    /// Returns the packed store of a source, and packs it if the cache has none.
    /// - Parameters:
    ///   - source: the source.
    ///   - data: the protocol of the samples.
    ///   - options: selection of pictures and number of threads.
    ///   - progress: called only while packing; see `StorePreparation.prepare`.
    ///   - cancelled: polled after every picture while packing.
    ///   - packed: receives the report if the store was packed.
    /// - Throws: `DataError` if the cache folder cannot be created; errors of `StorePreparation.prepare`.
    public func store(
        for source: any PictureSource, protocol data: DataProtocol,
        options: PreparationOptions = PreparationOptions(),
        progress: (_ done: Int, _ total: Int) -> Void = { _, _ in },
        cancelled: () -> Bool = { false },
        packed: (StorePreparation.Report) -> Void = { _ in }
    ) throws -> FaceStore {
        let path = path(for: source, protocol: data, options: options)
        // A store that cannot be opened, for example after a disk error, is packed again.
        // A store that lacks pictures is packed again only if a library for another format was installed.
        if let store = try? FaceStore(path: path), store.data.hash == data.hash,
            store.skippedCount == 0 || StoreFormat.decoders(areAllIn: store.decoders)
        {
            return store
        }
        do {
            try FileManager.default.createDirectory(
                atPath: Files.folder(ofPath: path), withIntermediateDirectories: true)
        } catch {
            throw DataError(
                "\(folder): the cache folder cannot be created: \(error.localizedDescription): set "
                    + "FACEGAN_CACHE to a writable folder")
        }
        let report = try StorePreparation.prepare(
            source: source, protocol: data, to: path, options: options, progress: progress,
            cancelled: cancelled)
        packed(report)
        return try FaceStore(unverified: path)
    }

    /// Opens a packed store, or the cached store of any other source.
    /// - Parameters:
    ///   - specification: a path or `builtin:COUNT`; see `SourceOpener`.
    ///   - data: the required protocol.
    ///   - options: selection of pictures and number of threads.
    ///   - progress: called only while packing; see `StorePreparation.prepare`.
    ///   - cancelled: polled after every picture while packing.
    ///   - packed: receives the report if the store was packed.
    /// - Throws: `DataError` if a packed store has another protocol; errors of `SourceOpener.open` and
    ///   `StorePreparation.prepare`.
    public func open(
        _ specification: String, protocol data: DataProtocol,
        options: PreparationOptions = PreparationOptions(),
        progress: (_ done: Int, _ total: Int) -> Void = { _, _ in },
        cancelled: () -> Bool = { false },
        packed: (StorePreparation.Report) -> Void = { _ in }
    ) throws -> FaceStore {
        try open(
            SourceOpener.open(specification), named: specification, protocol: data, options: options,
            progress: progress, cancelled: cancelled, packed: packed)
    }

    /// Returns the store of an open source: a packed store as it is, any other through the cache.
    /// - Parameters:
    ///   - source: the open source.
    ///   - specification: how the source was specified, for error messages.
    ///   - data: the required protocol.
    ///   - options: selection of pictures and number of threads.
    ///   - progress: called only while packing; see `StorePreparation.prepare`.
    ///   - cancelled: polled after every picture while packing.
    ///   - packed: receives the report if the store was packed.
    /// - Throws: `DataError` if a packed store has another protocol or does not match its content hash, or options
    ///   select pictures from it; errors of `StorePreparation.prepare`.
    public func open(
        _ source: any PictureSource, named specification: String, protocol data: DataProtocol,
        options: PreparationOptions = PreparationOptions(),
        progress: (_ done: Int, _ total: Int) -> Void = { _, _ in },
        cancelled: () -> Bool = { false },
        packed: (StorePreparation.Report) -> Void = { _ in }
    ) throws -> FaceStore {
        guard let opened = source as? StoreSource else {
            return try store(
                for: source, protocol: data, options: options, progress: progress, cancelled: cancelled,
                packed: packed)
        }
        if let damage = opened.damage { throw DataError(damage) }
        let packedStore = opened.store
        guard packedStore.data.hash == data.hash else {
            throw DataError(
                "\(specification): the store has the protocol \(packedStore.data), but \(data) is "
                    + "required: pack the source with 'facegan data prepare --protocol \(data.name)' or "
                    + "select the protocol \(packedStore.data.name)")
        }
        guard options == PreparationOptions(threads: options.threads) else {
            throw DataError(
                "\(specification): a limit, split or exclusions cannot be applied to a packed "
                    + "store: use the original source")
        }
        return packedStore
    }
}

/// An error in pictures, labels, stores or downloads. The text states what is wrong, where, and what to do.
public struct DataError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The message.
    public let description: String

    /// Creates an error with a message.
    public init(_ description: String) {
        self.description = description
    }

    static func unknownProtocol(_ name: String) -> DataError {
        DataError(
            "unknown data protocol '\(name)': expected a name such as celeba64-178, celeba64-148, "
                + "celeba64-108, "
                + "lfw64-160, faces64 or square64, where 64 can be any power of two from 8 to 1024")
    }

    static func tooSmall(width: Int, height: Int, needed: String, protocol name: String) -> DataError {
        DataError(
            "the picture is \(width)x\(height), but the crop of protocol \(name) needs at least \(needed): "
                + "select a protocol with a smaller crop, or square64, which accepts every size")
    }
}
