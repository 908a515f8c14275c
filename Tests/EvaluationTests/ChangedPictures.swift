import Datasets
import Evaluation

/// Pictures of a set with changed pixels.
struct ChangedPictures: PictureSet {
    let base: StorePictures
    let title: String
    /// Changed bytes of a range of pictures.
    let change: ([UInt8]) -> [UInt8]

    var count: Int { base.count }
    var side: Int { base.side }
    var contentHash: String { title + base.contentHash }
    var data: Datasets.DataProtocol { base.data }

    func pixels(_ range: Range<Int>) -> [UInt8] { change(base.pixels(range)) }
}
