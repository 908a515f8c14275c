import Files
import Foundation

/// Packed stores that are made when they are first needed and found again afterwards.
///
/// They lie in `$FACEGAN_CACHE`, else in `~/.cache/facegan`, under a key of the source's content, the protocol and the
/// options: the same archive at another path is found, a changed one at the same path is not.
public struct StoreCache: Sendable {
    /// The folder that holds the stores.
    public let folder: String

    /// - Parameter folder: nil takes the usual one.
    public init(folder: String? = nil) {
        self.folder = folder ?? CacheFolder.path
    }

    /// Where the store of such a source lies or would lie.
    public func path(
        for source: any PictureSource, protocol data: DataProtocol,
        options: PreparationOptions = PreparationOptions()
    ) -> String {
        var key = Fingerprint("store")
        key.add(StoreFormat.version)
        key.add(source.fingerprint)
        key.add(data.hash)
        key.add(options.text)
        let stem = source.name.prefix { $0 != "." && $0 != "@" }.map { $0.isLetter || $0.isNumber ? $0 : "-" }
        return "\(folder)/stores/\(String(stem.prefix(40)))-\(data.name)-\(key.finish().prefix(16)).faces"
    }

    /// The packed store of a source: the one that was made before, or one that is packed now.
    /// - Parameters:
    ///   - progress: called only while packing; see `StorePreparation.prepare`.
    ///   - packed: gets the report if the store was packed now.
    /// - Throws: what `StorePreparation.prepare` throws.
    public func store(
        for source: any PictureSource, protocol data: DataProtocol,
        options: PreparationOptions = PreparationOptions(),
        progress: (_ done: Int, _ total: Int) -> Void = { _, _ in },
        cancelled: () -> Bool = { false },
        packed: (StorePreparation.Report) -> Void = { _ in }
    ) throws -> FaceStore {
        let path = path(for: source, protocol: data, options: options)
        // A store that cannot be opened, as after a disk error, is made again.
        if let store = try? FaceStore(path: path), store.data.hash == data.hash { return store }
        do {
            try FileManager.default.createDirectory(
                atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        } catch {
            throw DataError(
                "\(folder): the cache folder cannot be made: \(error.localizedDescription): set FACEGAN_CACHE to a "
                    + "folder that may be written")
        }
        let report = try StorePreparation.prepare(
            source: source, protocol: data, to: path, options: options, progress: progress,
            cancelled: cancelled)
        packed(report)
        return try FaceStore(path: path)
    }

    /// The store of whatever a path names: a packed store as it is, anything else through the cache.
    /// - Throws: `DataError` if a packed store was made under another protocol; what `SourceOpener.open` and
    ///   `StorePreparation.prepare` throw.
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

    /// The same for a source that is open already.
    /// - Parameter specification: what the source was opened by, for errors.
    public func open(
        _ source: any PictureSource, named specification: String, protocol data: DataProtocol,
        options: PreparationOptions = PreparationOptions(),
        progress: (_ done: Int, _ total: Int) -> Void = { _, _ in },
        cancelled: () -> Bool = { false },
        packed: (StorePreparation.Report) -> Void = { _ in }
    ) throws -> FaceStore {
        guard let packedStore = (source as? StoreSource)?.store else {
            return try store(
                for: source, protocol: data, options: options, progress: progress, cancelled: cancelled,
                packed: packed)
        }
        guard packedStore.data.hash == data.hash else {
            throw DataError(
                "\(specification): the store was packed under the protocol \(packedStore.data), but \(data) is asked "
                    + "for: pack the source again with 'facegan data prepare --protocol \(data.name)', or ask for "
                    + "\(packedStore.data.name)")
        }
        guard options == PreparationOptions(threads: options.threads) else {
            throw DataError(
                "\(specification): a limit, a split or exclusions need the source itself, not a packed store")
        }
        return packedStore
    }
}

/// What can be wrong with pictures, labels, stores and downloads. The text says what, where, and what to do.
public struct DataError: Error, Sendable, Equatable, CustomStringConvertible {
    public let description: String

    public init(_ description: String) {
        self.description = description
    }

    static func unknownProtocol(_ name: String) -> DataError {
        DataError(
            "unknown data protocol '\(name)': expected a name such as celeba64-178, celeba64-148, celeba64-108, "
                + "lfw64-160, faces64 or square64, where 64 may be any power of two from 8 to 1024")
    }

    static func tooSmall(width: Int, height: Int, needed: String, protocol name: String) -> DataError {
        DataError(
            "the picture is \(width)x\(height), but the crop of protocol \(name) needs at least \(needed): "
                + "choose a protocol with a smaller crop, or square64, which fits every picture")
    }
}
