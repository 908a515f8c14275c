import Imaging

/// A packed store as a source, so that it can be looked at, judged and packed again.
package struct StoreSource: PictureSource {
    package let store: FaceStore
    package let name: String
    package var kind: SourceKind { .store }

    package init(_ store: FaceStore) {
        self.store = store
        name = store.path.split(separator: "/").last.map(String.init) ?? store.path
    }

    package var names: [String] { store.names }
    package var labels: Labels { store.labels }
    package var packedProtocol: DataProtocol? { store.data }
    package var fingerprint: String { store.contentHash }

    package func content(at index: Int, size: Int) throws -> PictureContent {
        .drawn(store.picture(index))
    }
}
