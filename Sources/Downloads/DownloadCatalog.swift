/// Public data sets that can be downloaded from their official addresses.
///
/// Checksums are those of the data set loaders of torchvision and scikit-learn.
public enum DownloadCatalog {
    /// Alignment of the photographs of LFW.
    public enum LFWEdition: String, Sendable, CaseIterable {
        /// Aligned by funneling.
        case funneled
        /// Aligned by deep funneling. No SHA-256 is published.
        case deepfunneled
        /// Not aligned.
        case original
    }

    /// Labeled Faces in the Wild: 13,233 photographs of 5,749 persons, 250x250.
    ///
    /// `.deepfunneled` has no checksum, so that the user must name one.
    public static func lfw(_ edition: LFWEdition) -> Download {
        let official = "https://vis-www.cs.umass.edu/lfw/"
        return switch edition {
        case .deepfunneled:
            Download(
                fileName: "lfw-deepfunneled.tgz", addresses: [official + "lfw-deepfunneled.tgz"],
                checksum: nil, content: .gzip)
        case .funneled:
            Download(
                fileName: "lfw-funneled.tgz",
                addresses: ["https://ndownloader.figshare.com/files/5976015", official + "lfw-funneled.tgz"],
                checksum: .sha256("b47c8422c8cded889dc5a13418c4bc2abbda121092b3533a83306f90d900100a"),
                content: .gzip)
        case .original:
            Download(
                fileName: "lfw.tgz",
                addresses: ["https://ndownloader.figshare.com/files/5976018", official + "lfw.tgz"],
                checksum: .sha256("055f7d9c632d7370e6fb4afc7468d40f970c34a80d4c6f50ffec63f5a8d536c0"),
                content: .gzip)
        }
    }

    /// CelebA: 202,599 aligned photographs, 178x218, and its label files.
    public static let celebA: [Download] = [
        drive(
            "img_align_celeba.zip", id: "0B7EVK8r0v71pZjFTYXZWM3FlRnM", key: "0-dYn9z10tMJOBAkviAcfdyQ",
            sha256: "46fb89443c578308acf364d7d379fe1b9efb793042c0af734b6112e4fd3a8c74", content: .zip),
        drive(
            "list_attr_celeba.txt", id: "0B7EVK8r0v71pblRyaVFSWGxPY0U", key: "0-YW2qIuRcWHy_1C2VaRGL3Q",
            sha256: "f0e5da289d5ccf75ffe8811132694922b60f2af59256ed362afa03fefba324d0"),
        drive(
            "list_eval_partition.txt", id: "0B7EVK8r0v71pY0NSMzRuSXJEVkk",
            sha256: "fc955bcb3ef8fbdf7d5640d9a8693a8431b5f2ee291a5c1449a1549e7e073fe7"),
        drive(
            "identity_CelebA.txt", id: "1_ee_0u7vcNLOfNLegJRHmolfH5ICW-XS",
            sha256: "c6143857c3e2630ac2da9f782e9c1232e5e59be993a9d44e8a7916c78a6158c0"),
        drive(
            "list_landmarks_align_celeba.txt", id: "0B7EVK8r0v71pd0FJY3Blby1HUTQ",
            key: "0-aFtzLN5nfdhHXpAsgYA8_g",
            sha256: "6c02a87569907f6db2ba99019085697596730e8129f67a3d61659f198c48d43b"),
    ]

    /// Page of CelebA with its terms of use and a link to its folder.
    public static let celebAPage = "https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html"
    /// Page of LFW.
    public static let lfwPage = "http://vis-www.cs.umass.edu/lfw/"

    /// A file on Google Drive. `confirm` skips the page about virus scans; `resourcekey` opens links created before
    /// 2021.
    private static func drive(
        _ name: String, id: String, key: String? = nil, sha256: String, content: Download.Content = .text
    ) -> Download {
        let address = "https://drive.usercontent.google.com/download?id=\(id)&export=download&confirm=t"
        return Download(
            fileName: name, addresses: [address] + (key.map { [address + "&resourcekey=" + $0] } ?? []),
            checksum: .sha256(sha256), content: content)
    }
}

/// A file to download: its addresses, its local name, and the expected content.
public struct Download: Sendable, Equatable {
    /// A published checksum in hexadecimal digits.
    public enum Checksum: Sendable, Equatable {
        /// SHA-256.
        case sha256(String)
        /// The first digits of the SHA-256, which some publishers include in file names.
        case sha256Beginning(String)
        /// MD5.
        case md5(String)
    }

    /// Expected type of the file.
    public enum Content: Sendable, Equatable {
        /// A zip archive.
        case zip
        /// A gzip file.
        case gzip
        /// A text file.
        case text
        /// A PyTorch state dictionary in either format, or a safetensors file.
        case weights
    }

    /// Local name of the file.
    public let fileName: String
    /// Addresses in the order in which they are tried.
    public var addresses: [String]
    /// Published checksum; nil if there is none.
    public var checksum: Checksum?
    /// Expected type of the file.
    public let content: Content

    /// Creates a description of a file.
    public init(fileName: String, addresses: [String], checksum: Checksum?, content: Content) {
        self.fileName = fileName
        self.addresses = addresses
        self.checksum = checksum
        self.content = content
    }
}
