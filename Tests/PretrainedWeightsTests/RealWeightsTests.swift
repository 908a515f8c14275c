import Files
import Foundation
import Imaging
import Models
import PretrainedWeights
import TestSupport
import Testing
import Torch

/// Published weights and photographs, if this machine has them.
@Suite(.enabled(if: realData() != nil))
struct RealWeightsTests {
    private let data: String

    init() throws { data = try #require(realData()) }

    @Test(arguments: [
        ("lpips/vgg.pth", "lpips-vgg"), ("lpips/alex.pth", "lpips-alex"),
        ("lpips/squeeze.pth", "lpips-squeeze"),
        ("squeezenet/squeezenet1_1_torchvision_names.pth", "squeezenet-caffe"),
        ("mobilefacenet/mobilefacenet.pt", "mobilefacenet"), ("yunet/yunet_n.pth", "yunet"),
        ("mtcnn/pnet.pt", "mtcnn-pnet"), ("mtcnn/rnet.pt", "mtcnn-rnet"), ("mtcnn/onet.pt", "mtcnn-onet"),
    ])
    func publishedFilesAreRecognised(file: String, key: String) throws {
        let folder = try TemporaryFolder()
        let cache = WeightsCache(folder: folder.path)
        #expect(try cache.add("\(data)/weights/\(file)").key == key)
        #expect(cache.path(of: key) != nil)
    }

    /// The distance of a face to its blurred copies increases with the blur.
    @Test func theSqueezeDistanceOrdersBlurs() throws {
        let folder = try TemporaryFolder()
        let cache = WeightsCache(folder: folder.path)
        try cache.add(data + "/weights/squeezenet/squeezenet1_1_torchvision_names.pth")
        try cache.add(data + "/weights/lpips/squeeze.pth")
        let distance = try FeatureNetworks.perceptualDistance("squeeze-perceptual", cache: cache)
        #expect(distance.name == "squeeze perceptual distance")
        let faces = try Faces(data, pairs: 4)
        let sharp = faces.tensor(Array(0..<faces.count))
        func blurred(_ side: Int) -> Tensor {
            sharp.resizedBilinear(height: side, width: side).upsampledBilinear(height: 112, width: 112)
        }
        let values = withoutGradients {
            [sharp, blurred(64), blurred(32), blurred(16)].map { distance(sharp, $0).mean().item() }
        }
        #expect(values[0] == 0)
        #expect(values == values.sorted() && values[1] > 0.001, "\(values)")
    }

    /// Same or different person, at the best threshold. With a box eight pixels higher it is 92.6 %, in PyTorch, too.
    @Test func mobileFaceNetKnowsPeople() throws {
        let network = try FeatureNetworks.load(
            "mobilefacenet", from: data + "/weights/mobilefacenet/mobilefacenet.pt")
        let faces = try Faces(data, pairs: 500)
        var features: [Tensor] = []
        for start in stride(from: 0, to: faces.count, by: 64) {
            let batch = Array(start..<min(start + 64, faces.count))
            features.append(withoutGradients { network.features(faces.tensor(batch)) })
        }
        let all = Tensor.concatenated(features)
        func similarities(_ pairs: [(Int, Int)]) -> [Float] {
            MobileFaceNet.similarity(
                all.indexSelect(0, Tensor(pairs.map(\.0))), all.indexSelect(0, Tensor(pairs.map(\.1)))
            ).floats()
        }
        let (same, other) = (similarities(faces.same), similarities(faces.different))
        let best =
            (same + other).map { threshold in
                same.count { $0 >= threshold } + other.count { $0 < threshold }
            }.max() ?? 0
        let accuracy = Double(best) / Double(same.count + other.count)
        let means = (same.reduce(0, +) / Float(same.count), other.reduce(0, +) / Float(other.count))
        print("LFW pairs \(same.count) + \(other.count): accuracy \(accuracy), mean cosines \(means)")
        #expect(same.count >= 300 && other.count == same.count)
        #expect(accuracy > 0.96, "\(accuracy)")
        #expect(means.0 > means.1 + 0.3, "\(means)")
    }
}

/// Crops of LFW, and pairs of the same person and of different persons.
private struct Faces {
    private var pictures: [Picture] = []
    private(set) var same: [(Int, Int)] = []
    private(set) var different: [(Int, Int)] = []
    var count: Int { pictures.count }

    /// - Parameter pairs: limit of the pairs of each kind.
    init(_ data: String, pairs: Int) throws {
        // One folder for each person.
        var people: [String: [(name: String, bytes: [UInt8])]] = [:]
        try TarArchive(path: data + "/lfw/lfw-deepfunneled.tgz").forEach { entry, bytes in
            if entry.name.hasSuffix(".jpg") {
                let person = (entry.name as NSString).deletingLastPathComponent
                people[person, default: []].append((entry.name, try bytes()))
            }
            return true
        }
        let several = people.filter { $0.value.count > 1 }.sorted { $0.key < $1.key }.prefix(pairs)
        for (_, files) in several {
            for file in files.sorted(by: { $0.name < $1.name }).prefix(2) {
                pictures.append(try Self.face(file.bytes))
            }
            same.append((count - 2, count - 1))
        }
        for index in same.indices { different.append((2 * index, 2 * ((index + 1) % same.count) + 1)) }
    }

    private static func face(_ bytes: [UInt8]) throws -> Picture {
        try PictureDecoder.decode(bytes).picture.rgb().cropped(x: 55, y: 46, width: 140, height: 140)
            .resized(width: 112, height: 112, filter: .bilinear)
    }

    /// [N, 3, 112, 112] in -1...1.
    func tensor(_ indices: [Int]) -> Tensor {
        let pixels = indices.flatMap { pictures[$0].pixels }
        let bytes = Tensor(bytes: pixels, shape: [indices.count, 112, 112, 3], dtype: .uint8)
        return bytes.permuted([0, 3, 1, 2]).to(.float32).contiguous() / 127.5 - 1
    }
}
