import Files
import Foundation
import Models
import PretrainedWeights
import TestSupport
import Testing
import Torch
import TorchNN

/// Weights files: adding, recognition and loading.
@Suite struct WeightsCacheTests {
    private let folder: TemporaryFolder
    private let cache: WeightsCache

    init() throws {
        folder = try TemporaryFolder()
        cache = WeightsCache(folder: folder.file("cache"))
    }

    /// Writes the state of a network with changes.
    private func file(
        _ module: Module, _ name: String = "weights.safetensors",
        changing change: (inout [(name: String, tensor: Tensor)]) -> Void = { _ in }
    ) throws -> String {
        var tensors = module.state.map { (name: $0.key, tensor: $0.tensor) }
        change(&tensors)
        try TensorFile.write(folder.file(name), tensors: tensors)
        return folder.file(name)
    }

    private func filled(_ module: Module, seed: UInt64 = 1) -> Module {
        let random = RandomSource(seed: seed)
        for (_, tensor) in module.state where tensor.dtype == .float32 {
            tensor.uniform_(-0.1, 0.1, random: random)
        }
        return module
    }

    /// Message of an error.
    private func reason(_ body: () throws -> Void) -> String {
        do {
            try body()
            return "no error"
        } catch { return "\(error)" }
    }

    @Test func anAddedFileIsFoundAndLoaded() throws {
        let source = filled(MobileFaceNet())
        let record = try cache.add(try file(source))
        #expect(record.key == "mobilefacenet")
        #expect(record.fileName == "weights.safetensors")
        let path = try #require(cache.path(of: "mobilefacenet"))
        #expect(path == "\(cache.folder)/\(record.sha256)")
        #expect(try Digest.sha256(file: path) == record.sha256)
        #expect(try FileManager.default.contentsOfDirectory(atPath: cache.folder).count == 2)
        // Another cache object reads the folder, as another process does.
        #expect(WeightsCache(folder: cache.folder).record(of: "mobilefacenet") == record)

        let network = try FeatureNetworks.load("mobilefacenet", cache: cache)
        for ((key, tensor), (_, expected)) in zip(network.state, source.state) {
            #expect(tensor.bytes() == expected.bytes(), "\(key)")
        }
    }

    /// Unused classifiers are optional, and counts of batches may be missing.
    @Test func whatPublishersAddOrLeaveOutIsNoMistake() throws {
        let trunk = filled(AlexNet())
        let whole = try file(trunk) {
            $0.append(("classifier.1.weight", Tensor.zeros([4, 4])))
        }
        #expect(try cache.add(whole).key == "alexnet")
        let old = try file(filled(MobileFaceNet())) { tensors in
            tensors.removeAll { $0.name.hasSuffix("num_batches_tracked") }
        }
        #expect(try cache.add(old).key == "mobilefacenet")
        #expect(try FeatureNetworks.load("mobilefacenet", cache: cache).featureCount == 128)
    }

    @Test func whatIsMissingIsSaidAtOnceWithItsCommands() throws {
        let alone = reason { _ = try FeatureNetworks.load("inception", cache: cache) }
        for part in [
            "inception", "Apache-2.0", "facegan weights get inception", "facegan weights add pt_inception",
        ] {
            #expect(alone.contains(part), "\(alone)")
        }
        let both = reason { _ = try FeatureNetworks.perceptualDistance("lpips-vgg", cache: cache) }
        #expect(both.contains("facegan weights get vgg16") && both.contains("facegan weights get lpips-vgg"))
        let brought = reason { _ = try FeatureNetworks.load("squeezenet-caffe", cache: cache) }
        #expect(brought.contains("--as squeezenet-caffe"))
        let other = reason { _ = try FeatureNetworks.load("incepton", cache: cache) }
        #expect(other.contains("Did you mean `inception`?"))
    }

    @Test func unknownFilesAreRefusedWithWhatWasLookedFor() throws {
        let said = reason { _ = try cache.add(try file(Linear(3, 2))) }
        for part in ["unknown weights", "2 tensors", "weight [2, 3]", "inception", "mobilefacenet"] {
            #expect(said.contains(part), "\(said)")
        }
        let named = reason { _ = try cache.add(folder.file("weights.safetensors"), as: "vgg16") }
        #expect(
            named.contains("not the weights vgg16") && named.contains("features.28.weight [512, 512, 3, 3]"))
        try folder.write("<html></html>", to: "page.pth")
        #expect(reason { _ = try cache.add(folder.file("page.pth")) }.contains("an HTML page"))
        #expect(!FileManager.default.fileExists(atPath: cache.folder))
    }

    @Test func allThatDoesNotFitIsSaidAtOnce() throws {
        let wrong = try file(MobileFaceNet()) { tensors in
            tensors.removeAll { $0.name == "bn.bias" }
            tensors.append(("extra", Tensor.zeros([1])))
            tensors.append(("conv2.1.bias", Tensor.zeros([3])))
            tensors.remove(at: tensors.firstIndex { $0.name == "conv2.1.bias" } ?? 0)
        }
        let said = reason { _ = try cache.add(wrong) }
        for part in ["bn.bias", "extra", "conv2.1.bias expected [512], got [3]"] {
            #expect(said.contains(part), "\(said)")
        }
        #expect(cache.path(of: "mobilefacenet") == nil)
    }

    /// Both SqueezeNets have the same keys and different input ranges.
    @Test func twinsNeedAName() throws {
        let squeeze = try file(filled(SqueezeNet11()))
        let said = reason { _ = try cache.add(squeeze) }
        #expect(said.contains("--as squeezenet or --as squeezenet-caffe"), "\(said)")
        try cache.add(squeeze, as: "squeezenet-caffe")
        #expect(cache.path(of: "squeezenet-caffe") != nil && cache.path(of: "squeezenet") == nil)
        #expect(try FeatureNetworks.load("squeezenet-caffe", cache: cache).name == "squeezenet-caffe")
    }

    @Test func changedFilesAreNotUsed() throws {
        let record = try cache.add(try file(filled(MobileFaceNet())))
        let path = try #require(cache.path(of: "mobilefacenet"))
        var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        bytes[bytes.count - 1] ^= 1
        try bytes.write(to: URL(fileURLWithPath: path))
        let said = reason { _ = try FeatureNetworks.load("mobilefacenet", cache: cache) }
        #expect(said.contains("have changed") && said.contains("facegan weights get mobilefacenet"))
        // A truncated file counts as missing.
        try bytes.dropLast(9).write(to: URL(fileURLWithPath: path))
        #expect(cache.record(of: "mobilefacenet") == nil)
        #expect(record.byteCount == bytes.count)
    }

    /// Every entry has a description, and a checksum or identifying tensors.
    @Test func theCatalogIsWhole() {
        let keys = WeightsCatalog.all.map(\.key)
        #expect(Set(keys).count == keys.count)
        for known in WeightsCatalog.all {
            #expect(
                ![known.about, known.publisher, known.license, known.fileName].contains(""), "\(known.key)")
            #expect(known.addresses.allSatisfy { $0.hasPrefix("https://") }, "\(known.key)")
        }
        let wanted = FeatureNetworks.names.filter { $0 != "inception-torch-fidelity" }
        #expect(wanted.allSatisfy { keys.contains($0) })
    }
}
