import Downloads
import Models

/// Catalog of published weights, each with its SHA-256. The program does not include them.
public enum WeightsCatalog {
    /// All entries.
    public static let all: [KnownWeights] = features + heads + faces

    /// Entry of a key; nil for an unknown key.
    public static subscript(key: String) -> KnownWeights? { all.first { $0.key == key } }

    private static let torchvision = "https://download.pytorch.org/models/"
    private static let imageNet = "BSD-3-Clause; trained on ImageNet, which is for research"

    private static let features: [KnownWeights] = [
        .init(
            "inception", "Inception-v3 of 2015-12-05: FID, KID, Inception score",
            publisher: "Google, converted by pytorch-fid", license: "Apache-2.0",
            file: "pt_inception-2015-12-05-6726825d.pth", megabytes: 96,
            checksum: .sha256("6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"),
            addresses: [
                "https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/"
                    + "pt_inception-2015-12-05-6726825d.pth",
                "https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/"
                    + "weights-inception-2015-12-05-6726825d.pth",
            ], marks: ["fc.weight": [1008, 2048], "Mixed_7c.branch_pool.conv.weight": [192, 2048, 1, 1]]),
        .init(
            "inception-torchvision", "Inception-v3 of torchvision; distances on it are not FID",
            publisher: "torchvision", license: imageNet, file: "inception_v3_google-0cc3c7bd.pth",
            megabytes: 109,
            checksum: .sha256("0cc3c7bd75056d25e46cba549dc184522069b81e9787eff6df84f397bd52a5ef"),
            addresses: [torchvision + "inception_v3_google-0cc3c7bd.pth"],
            marks: ["fc.weight": [1000, 2048], "AuxLogits.fc.weight": [1000, 768]]),
        .init(
            "vgg16", "VGG-16: perceptual distances and losses", publisher: "torchvision", license: imageNet,
            file: "vgg16-397923af.pth", megabytes: 553,
            checksum: .sha256("397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0"),
            addresses: [torchvision + "vgg16-397923af.pth"],
            marks: ["features.0.weight": [64, 3, 3, 3], "features.28.weight": [512, 512, 3, 3]],
            unused: ["classifier."]),
        .init(
            "alexnet", "AlexNet: perceptual distances", publisher: "torchvision", license: imageNet,
            file: "alexnet-owt-7be5be79.pth", megabytes: 244,
            checksum: .sha256("7be5be791159472b1fbf3c69796f7cb30dca7ad8466c2df70058c37116cdee02"),
            addresses: [torchvision + "alexnet-owt-7be5be79.pth"],
            marks: ["features.0.weight": [64, 3, 11, 11], "features.10.weight": [256, 256, 3, 3]],
            unused: ["classifier."]),
        .init(
            "squeezenet", "SqueezeNet 1.1: perceptual distances", publisher: "torchvision", license: imageNet,
            file: "squeezenet1_1-b8a52dc0.pth", megabytes: 5,
            checksum: .sha256("b8a52dc049b60e4b6ab68ad0df457362afab8b6304b2febdc1650a5dab4d7e7b"),
            addresses: [torchvision + "squeezenet1_1-b8a52dc0.pth"], marks: squeezeNet,
            unused: ["classifier."]),
        .init(
            "squeezenet-caffe", "SqueezeNet 1.1 of its authors, under torchvision's keys",
            publisher: "forresti/SqueezeNet", license: "BSD-2-Clause",
            file: "squeezenet1_1_torchvision_names.pth", megabytes: 5,
            checksum: .sha256("182d28a2a7ccb0878b14a5f587d818c1088019119238e8904e56205cc3d1560b"),
            addresses: [], marks: squeezeNet, unused: ["classifier."]),
    ]

    private static let squeezeNet = [
        "features.0.weight": [64, 3, 3, 3], "features.12.expand3x3.weight": [256, 64, 3, 3],
    ]

    private static let heads: [KnownWeights] = [
        head(
            "vgg", "vgg16", "a78928a0af1e5f0fcb1f3b9e8f8c3a2a5a3de244d830ad5c1feddc79b8432868", last: 4, 512),
        head(
            "alex", "alexnet", "df73285e35b22355a2df87cdb6b70b343713b667eddbda73e1977e0c860835c0", last: 4,
            256),
        head(
            "squeeze", "squeezenet", "4a5350f23600cb79923ce65bb07cbf57dca461329894153e05a1346bd531cf76",
            last: 6, 512),
    ]

    private static func head(_ name: String, _ trunk: String, _ sha256: String, last: Int, _ channels: Int)
        -> KnownWeights
    {
        let folder = "https://raw.githubusercontent.com/richzhang/PerceptualSimilarity/master/lpips/weights/"
        return .init(
            "lpips-" + name, "LPIPS 0.1, the layers on top of \(trunk)",
            publisher: "richzhang/PerceptualSimilarity", license: "BSD-2-Clause", file: "\(name).pth",
            megabytes: 0.01, checksum: .sha256(sha256), addresses: [folder + "v0.1/\(name).pth"],
            marks: ["lin\(last).model.1.weight": [1, channels, 1, 1]])
    }

    private static let faces: [KnownWeights] = [
        .init(
            "mobilefacenet", "MobileFaceNet: whether two faces are one person",
            publisher: "foamliu/MobileFaceNet",
            license: "Apache-2.0; trained on MS-Celeb-1M, which its publisher withdrew",
            file: "mobilefacenet.pt",
            megabytes: 4.1,
            checksum: .sha256("90a00ba1d8b0b688af3deb731ed53dca582e6106805d1bc3cfdef55f570493f4"),
            addresses: [
                "https://github.com/foamliu/MobileFaceNet/releases/download/v1.0/mobilefacenet.pt"
            ], marks: ["gdconv.depthwise.weight": [512, 1, 7, 7], "conv3.weight": [128, 512, 1, 1]]),
        .init(
            "yunet", "YuNet: finds faces and five points of each",
            publisher: "ShiqiYu/libfacedetection.train",
            license: "Apache-2.0", file: "yunet_n.pth", megabytes: 0.7,
            checksum: .sha256("9c7c9e14a4d60e57491d77e4d8b0d451bd834f300e05c0dea7fd1f6533817b06"),
            addresses: [
                "https://github.com/ShiqiYu/libfacedetection.train/raw/master/weights/yunet_n.pth"
            ], marks: ["state_dict.backbone.model0.conv1.weight": [16, 3, 3, 3]],
            place: "state_dict."),
        mtcnn(
            "pnet", "proposes faces", 0.03,
            "a2a71925e0b9996a42f63e47efc1ca19043e69558b5c523b978d611dfae49c8f",
            marks: ["conv4_2.weight": [4, 32, 1, 1]]),
        mtcnn(
            "rnet", "refines the proposals", 0.4,
            "bbb937de72efc9ef83b186c49f5f558467a1d7e3453a8ece0d71a886633f6a86",
            marks: ["dense5_2.weight": [4, 128]]),
        mtcnn(
            "onet", "finds five points", 1.6,
            "165bfbe42940416ccfb977545cf0e976d5bf321f67083ae2aaaa5c764280118d",
            marks: ["dense6_3.weight": [10, 256]]),
    ]

    private static func mtcnn(
        _ stage: String, _ about: String, _ megabytes: Double, _ sha256: String, marks: [String: [Int]]
    )
        -> KnownWeights
    {
        .init(
            "mtcnn-" + stage, "MTCNN, the stage that \(about)", publisher: "timesler/facenet-pytorch",
            license: "MIT", file: stage + ".pt", megabytes: megabytes, checksum: .sha256(sha256),
            addresses: ["https://raw.githubusercontent.com/timesler/facenet-pytorch/master/data/\(stage).pt"],
            marks: marks)
    }
}

/// Entry of the catalog: description, publisher, addresses, and properties that identify the file.
public struct KnownWeights: Sendable {
    /// Key, such as `vgg16`.
    public let key: String
    /// Short description.
    public let about: String
    /// Publisher of the file.
    public let publisher: String
    /// License, and restrictions of the training data.
    public let license: String
    /// Name of the file at the publisher.
    public let fileName: String
    /// Size in millions of bytes, rounded; nil if unknown.
    public let megabytes: Double?
    /// Published checksum, complete or its beginning; nil if there is none.
    public let checksum: Download.Checksum?
    /// Addresses in the order of attempts; empty if the file cannot be downloaded.
    public let addresses: [String]
    /// Tensors that identify the file.
    let marks: [String: [Int]]
    /// Prefixes of keys that are not used.
    let unused: [String]
    /// Prefix of the keys of the network; other keys are ignored.
    let place: String

    init(
        _ key: String, _ about: String, publisher: String, license: String, file: String, megabytes: Double?,
        checksum: Download.Checksum?, addresses: [String], marks: [String: [Int]], unused: [String] = [],
        place: String = ""
    ) {
        (self.key, self.about, self.publisher, self.license) = (key, about, publisher, license)
        (fileName, self.megabytes, self.checksum, self.addresses) = (file, megabytes, checksum, addresses)
        (self.marks, self.unused, self.place) = (marks, unused, place)
    }

    /// Command that downloads or adds the file.
    public var command: String {
        addresses.isEmpty ? "facegan weights add \(fileName) --as \(key)" : "facegan weights get \(key)"
    }

    /// Whether a SHA-256 identifies this file.
    func isProven(by sha256: String) -> Bool {
        switch checksum {
        case .sha256(let whole): whole == sha256
        case .sha256Beginning(let start): sha256.hasPrefix(start)
        case .md5, nil: false
        }
    }

    /// Whether a file has the tensors that identify this entry.
    func isLike(_ file: WeightsFile) -> Bool { marks.allSatisfy { file.shapes[$0.key] == $0.value } }
}
