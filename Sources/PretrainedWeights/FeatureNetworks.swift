import Models
import Settings
import TorchNN

/// Networks that judge pictures, with the weights that are on this machine.
public enum FeatureNetworks {
    /// What can be asked for. A network that this project trains itself goes here, too, with a file of its own.
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

    /// The trunk and the heads of each perceptual distance.
    private static let distances = [
        "lpips-vgg": ("vgg16", "lpips-vgg"), "lpips-alex": ("alexnet", "lpips-alex"),
        "lpips-squeeze": ("squeezenet", "lpips-squeeze"),
        "squeeze-perceptual": ("squeezenet-caffe", "lpips-squeeze"),
    ]

    /// Names that `load` takes.
    public static var names: [String] { makers.map(\.name) }

    /// Names that `perceptualDistance` takes.
    public static var distanceNames: [String] { distances.keys.sorted() }

    /// A network that is ready for use, on the CPU.
    /// - Parameter name: one of `names`; `inception` resizes as pytorch-fid, `inception-torch-fidelity` as that.
    /// - Throws: `WeightsError` that says what is missing and the command that brings it, or all that does not fit.
    public static func load(_ name: String, cache: WeightsCache = .default) throws -> any FeatureNetwork {
        let network = try make(name)
        let key = weights(of: name)
        try fill(network, key, from: try cache.verifiedPath(of: key))
        return network
    }

    /// A network with the weights of a file.
    public static func load(_ name: String, from path: String) throws -> any FeatureNetwork {
        let network = try make(name)
        try fill(network, weights(of: name), from: path)
        return network
    }

    /// A perceptual distance that is ready for use, on the CPU; its `name` says whether it is LPIPS.
    /// - Parameter name: one of `distanceNames`.
    /// - Throws: as `load`.
    public static func perceptualDistance(_ name: String, cache: WeightsCache = .default) throws -> LPIPS {
        guard let (trunk, heads) = distances[name] else { throw unknown(name, distanceNames) }
        let missing = [trunk, heads].filter { cache.path(of: $0) == nil }.compactMap { WeightsCatalog[$0] }
        guard missing.isEmpty else { throw WeightsCache.missing(missing) }
        guard let network = try load(trunk, cache: cache) as? any TappedNetwork else {
            preconditionFailure("\(trunk) has no taps")
        }
        let distance = LPIPS(network)
        try fill(distance.heads, heads, from: try cache.verifiedPath(of: heads))
        return distance
    }

    /// Loads a file into the network or heads that it is for; files of MTCNN are not looked into.
    static func check(_ file: WeightsFile, _ known: KnownWeights) throws {
        if let maker = makers.first(where: { $0.name == known.key }) {
            try file.load(into: maker.make(), as: known)
        } else if let trunk = distances[known.key]?.0, let network = try make(trunk) as? any TappedNetwork {
            try file.load(into: LPIPS(network).heads, as: known)
        } else if known.key == YuNet.weights {
            try file.load(into: YuNet(), as: known)
        }
    }

    /// The key in the catalog of what a network needs.
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
            "\(name): no such network.\(guess) There are: \(names.joined(separator: ", ")).")
    }
}

extension YuNet {
    /// The key of its weights in the catalog.
    public static let weights = "yunet"

    /// The detector, ready for use, on the CPU.
    /// - Throws: `WeightsError` that says what is missing and the command that brings it, or all that does not fit.
    public static func load(cache: WeightsCache = .default) throws -> YuNet {
        let network = YuNet()
        try FeatureNetworks.fill(network, weights, from: try cache.verifiedPath(of: weights))
        return network
    }

    /// The detector with the weights of its publisher's file.
    public static func load(from path: String) throws -> YuNet {
        let network = YuNet()
        try FeatureNetworks.fill(network, weights, from: path)
        return network
    }
}
