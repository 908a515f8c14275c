/// Public data sets that can be downloaded from their official addresses.
///
/// Checksums are those of the data set loaders of torchvision (MD5) and scikit-learn (SHA-256).
public enum DownloadCatalog {
    /// Alignment of the photographs of LFW.
    public enum LFWEdition: String, Sendable, CaseIterable {
        /// Aligned by deep funneling.
        case deepfunneled
        /// Aligned by funneling.
        case funneled
        /// Not aligned.
        case original
    }

    /// Labeled Faces in the Wild: 13,233 photographs of 5,749 persons, 250x250.
    public static func lfw(_ edition: LFWEdition) -> Download {
        let official = "http://vis-www.cs.umass.edu/lfw/"
        return switch edition {
        case .deepfunneled:
            Download(
                fileName: "lfw-deepfunneled.tgz", addresses: [official + "lfw-deepfunneled.tgz"],
                checksum: .md5("68331da3eb755a505a502b5aacb3c201"), content: .gzip)
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
            md5: "00d2c5bc6d35e252742224ab0c1e8fcb", content: .zip),
        drive(
            "list_attr_celeba.txt", id: "0B7EVK8r0v71pblRyaVFSWGxPY0U", key: "0-YW2qIuRcWHy_1C2VaRGL3Q",
            md5: "75e246fa4810816ffd6ee81facbd244c"),
        drive(
            "list_eval_partition.txt", id: "0B7EVK8r0v71pY0NSMzRuSXJEVkk",
            md5: "d32c9cbf5e040fd4025c592c306e6668"),
        drive(
            "identity_CelebA.txt", id: "1_ee_0u7vcNLOfNLegJRHmolfH5ICW-XS",
            md5: "32bd1bd63d3c78cd57e08160ec5ed1e2"),
        drive(
            "list_landmarks_align_celeba.txt", id: "0B7EVK8r0v71pd0FJY3Blby1HUTQ",
            key: "0-aFtzLN5nfdhHXpAsgYA8_g",
            md5: "cc24ecafdb5b50baae59b03474781f8c"),
    ]

    /// Page of CelebA with its terms of use and a link to its folder.
    public static let celebAPage = "https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html"
    /// Page of LFW.
    public static let lfwPage = "http://vis-www.cs.umass.edu/lfw/"

    /// A file on Google Drive. `confirm` skips the page about virus scans; `resourcekey` opens links created before
    /// 2021.
    private static func drive(
        _ name: String, id: String, key: String? = nil, md5: String, content: Download.Content = .text
    ) -> Download {
        let address = "https://drive.usercontent.google.com/download?id=\(id)&export=download&confirm=t"
        return Download(
            fileName: name, addresses: [address] + (key.map { [address + "&resourcekey=" + $0] } ?? []),
            checksum: .md5(md5), content: content)
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
