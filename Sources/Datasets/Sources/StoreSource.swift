import Imaging

/// A packed store as a source, so that it can be looked at, judged and packed again.
struct StoreSource: PictureSource {
    let store: FaceStore
    let name: String
    var kind: SourceKind { .store }

    init(_ store: FaceStore) {
        self.store = store
        name = store.path.split(separator: "/").last.map(String.init) ?? store.path
    }

    var names: [String] { store.names }
    var labels: Labels { store.labels }
    var fingerprint: String { store.contentHash }

    func content(at index: Int, size: Int) throws -> PictureContent {
        .drawn(store.picture(index))
    }
}
