import Provenance

/// A packed store as a source for examination, preview and repacking.
package struct StoreSource: PictureSource {
    package let store: FaceStore
    package let name: String
    package var kind: SourceKind { .store }
    /// The reason why the store does not match its content hash; nil if it does.
    package let damage: String?

    /// Opens a store. Images or labels that do not match the content hash become `damage`, so that they can be examined.
    ///
    /// - Throws: as `FaceStore.init(path:)`, except for the comparison with the content hash.
    package init(path: String) throws {
        store = try FaceStore(unverified: path)
        name = path.split(separator: "/").last.map(String.init) ?? path
        do {
            try store.verifyContent()
            damage = nil
        } catch {
            damage = "\(error)"
        }
    }

    package var names: [String] { store.names }
    package var labels: Labels { store.labels }
    package var packedProtocol: DataProtocol? { store.data }
    package var fingerprint: String { store.contentHash }

    package func content(at index: Int, size: Int) throws -> PictureContent {
        .drawn(store.picture(index))
    }

    package func packedOrigin(at index: Int) -> Origin? { store.origin(of: [index]) }
}
