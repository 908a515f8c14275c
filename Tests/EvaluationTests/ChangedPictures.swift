import Datasets
import Evaluation

/// The pictures of a set with other values.
struct ChangedPictures: PictureSet {
    let base: StorePictures
    let title: String
    /// New bytes for those of a range.
    let change: ([UInt8]) -> [UInt8]

    var count: Int { base.count }
    var side: Int { base.side }
    var contentHash: String { title + base.contentHash }
    var data: Datasets.DataProtocol { base.data }

    func pixels(_ range: Range<Int>) -> [UInt8] { change(base.pixels(range)) }
}
