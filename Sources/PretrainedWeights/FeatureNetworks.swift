import Models
import Settings
import TorchNN

/// Feature networks with published weights.
public enum FeatureNetworks {
    /// Known networks.
    private static let makers: [(name: String, make: @Sendable () -> any FeatureNetwork)] = [
        ("inception", { Inception() }),
        ("inception-torch-fidelity", { Inception(resize: .torchFidelity) }),
        ("inception-torchvision", { Inception(.torchvision) }),
        ("vgg16", { VGG16() }),
        ("alexnet", { AlexNet() }),
        ("squeezenet", { SqueezeNet11() }),
        ("squeezenet-caffe", { SqueezeNet11(normalization: .caffe) }),
        ("mobilefacenet", { MobileFaceNet() }),
    ]

    /// Trunk and heads of each perceptual distance.
    private static let distances = [
        "lpips-vgg": ("vgg16", "lpips-vgg"), "lpips-alex": ("alexnet", "lpips-alex"),
        "lpips-squeeze": ("squeezenet", "lpips-squeeze"),
        "squeeze-perceptual": ("squeezenet-caffe", "lpips-squeeze"),
    ]

    /// Names of feature networks for `load(_:cache:)`.
    public static var names: [String] { makers.map(\.name) }

    /// Names of perceptual distances for `perceptualDistance(_:cache:)`.
    public static var distanceNames: [String] { distances.keys.sorted() }

    /// Loads a feature network to the CPU.
    /// - Parameters:
    ///   - name: one of `names`. `inception` resizes as pytorch-fid does, `inception-torch-fidelity` as torch-fidelity.
    ///   - cache: cache of published weights.
    /// - Throws: `WeightsError` for an unknown name, for missing weights (with the command that downloads them), and for weights
    ///   that do not fit; `FileError`.
    public static func load(_ name: String, cache: WeightsCache = .default) throws -> any FeatureNetwork {
        let network = try make(name)
        let key = weights(of: name)
        try fill(network, key, from: try cache.verifiedPath(of: key))
        return network
    }

    /// Loads a feature network with the weights of a file to the CPU.
    /// - Parameters:
    ///   - name: one of `names`.
    ///   - path: PyTorch state dictionary or safetensors file.
    /// - Throws: `WeightsError` for an unknown name or weights that do not fit; `FileError`.
    public static func load(_ name: String, from path: String) throws -> any FeatureNetwork {
        let network = try make(name)
        try fill(network, weights(of: name), from: path)
        return network
    }

    /// Loads a perceptual distance to the CPU. Its `name` tells whether it is LPIPS.
    /// - Parameters:
    ///   - name: one of `distanceNames`.
    ///   - cache: cache of published weights.
    /// - Throws: as `load(_:cache:)`.
    public static func perceptualDistance(_ name: String, cache: WeightsCache = .default) throws -> LPIPS {
        guard let (trunk, heads) = distances[name] else { throw unknown(name, distanceNames) }
        let missing = [trunk, heads].filter { cache.path(of: $0) == nil }.compactMap { WeightsCatalog[$0] }
        guard missing.isEmpty else { throw WeightsCache.missing(missing) }
        guard let network = try load(trunk, cache: cache) as? any TappedNetwork else {
            preconditionFailure("FeatureNetworks: expected a network with taps, got \(trunk)")
        }
        let distance = LPIPS(network)
        try fill(distance.heads, heads, from: try cache.verifiedPath(of: heads))
        return distance
    }

    /// Checks that a file fits its network or heads. Files of MTCNN are not checked.
    static func check(_ file: WeightsFile, _ known: KnownWeights) throws {
        if let maker = makers.first(where: { $0.name == known.key }) {
            try file.load(into: maker.make(), as: known)
        } else if let trunk = distances[known.key]?.0, let network = try make(trunk) as? any TappedNetwork {
            try file.load(into: LPIPS(network).heads, as: known)
        } else if known.key == YuNet.weights {
            try file.load(into: YuNet(), as: known)
        }
    }

    /// Key of the weights of a network in the catalog.
    public static func weights(of name: String) -> String {
        name == "inception-torch-fidelity" ? "inception" : name
    }

    private static func make(_ name: String) throws -> any FeatureNetwork {
        guard let maker = makers.first(where: { $0.name == name }) else { throw unknown(name, names) }
        return maker.make()
    }

    static func fill(_ module: Module, _ key: String, from path: String) throws {
        do {
            try WeightsFile(path: path).load(into: module, as: WeightsCatalog[key])
        } catch let mismatch as StateMismatch {
            throw WeightsError("\(path): not the weights \(key): \(mismatch)")
        }
    }

    private static func unknown(_ name: String, _ names: [String]) -> WeightsError {
        let guess = Suggestion.closest(to: name, in: names).map { " Did you mean `\($0)`?" } ?? ""
        return WeightsError(
            "\(name): no such network.\(guess) Networks: \(names.joined(separator: ", ")).")
    }
}

extension YuNet {
    /// Key of the weights in the catalog.
    public static let weights = "yunet"

    /// Loads the detector to the CPU.
    /// - Throws: `WeightsError` for missing weights, with the command that downloads them, and for weights that do not fit;
    ///   `FileError`.
    public static func load(cache: WeightsCache = .default) throws -> YuNet {
        let network = YuNet()
        try FeatureNetworks.fill(network, weights, from: try cache.verifiedPath(of: weights))
        return network
    }

    /// Loads the detector with the weights of a file to the CPU.
    /// - Throws: `WeightsError` for weights that do not fit; `FileError`.
    public static func load(from path: String) throws -> YuNet {
        let network = YuNet()
        try FeatureNetworks.fill(network, weights, from: path)
        return network
    }
}
