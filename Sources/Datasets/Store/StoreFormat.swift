/// The names inside a packed store: a safetensors file, so that any tool of the field can read it.
///
/// | tensor | type | shape | |
/// |---|---|---|---|
/// | `images` | U8 | [N, S, S, 3] | RGB |
/// | `landmarks` | F32 | [N, 5, 2] | x, y in pixels of the sample; NaN not known |
/// | `vectors` | F32 | [N, V] | label vectors; NaN not known |
/// | `identities` | I32 | [N] | -1 not known |
/// | `classes` | I32 | [N] | -1 not known |
/// | `attributes` | I8 | [N, A] | 1, -1, 0 not known |
/// | `split` | U8 | [N] | 0 train, 1 validation, 2 test, 255 not known |
/// | `names` | U8 | [bytes] | UTF-8, one name a line |
/// | `identityNames` | U8 | [bytes] | UTF-8, one name a line |
///
/// All but `images` and `names` may be absent.
enum StoreFormat {
    static let format = "facegan-faces"
    static let version = "1"

    enum Tensor {
        static let images = "images"
        static let landmarks = "landmarks"
        static let vectors = "vectors"
        static let identities = "identities"
        static let classes = "classes"
        static let attributes = "attributes"
        static let split = "split"
        static let names = "names"
        static let identityNames = "identityNames"
    }

    enum Key {
        static let format = "format"
        static let version = "version"
        static let protocolName = "protocol"
        static let protocolText = "protocolText"
        static let protocolHash = "protocolHash"
        /// SHA-256 of the images and labels, without the names: the same faces from a zip and a folder agree.
        static let contentHash = "contentHash"
        static let attributeNames = "attributeNames"
        static let source = "source"
        static let sourceKind = "sourceKind"
        static let skipped = "skipped"
    }
}
