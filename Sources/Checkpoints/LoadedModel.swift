import Models
import PretrainedWeights
import Recipes
import Torch
import TorchNN

/// A trained network that is loaded for inference.
///
/// Every kind is loaded in the same way: `init(_:state:weights:device:)` resolves the file, reads and checks it, checks that
/// its recipe describes this kind of model, and loads the weights.
public protocol LoadedModel {
    /// Recipe, length of the training, file and digest.
    var info: ModelInfo { get }
    /// The network, in inference mode.
    var module: Module { get }

    /// Reason and advice if a recipe describes another kind of model; nil if it describes this kind.
    static func mismatch(_ recipe: Recipe) -> String?
    /// Creates the model from an open file, whose kind has been checked.
    /// - Throws: `CheckpointError` for weights that do not fit the recipe.
    init(_ reader: ModelReader) throws
}

extension LoadedModel {
    /// Loads a model.
    /// - Parameters:
    ///   - source: a run directory, or a model file.
    ///   - state: state of a run directory.
    ///   - weights: `.raw` is used if the file has no average.
    ///   - device: device of the network.
    /// - Throws: `FileError` for a damaged file; `CheckpointError` if there is no such file, if it is another kind of model,
    ///   or if its weights do not fit its recipe.
    public init(
        _ source: String, state: ModelState = .last, weights: ModelWeights = .average, device: Device = .cpu
    ) throws {
        try self.init(
            ModelReader(Self.self, source, state: state, weights: weights, device: device))
    }

    /// Recipe of the model.
    public var recipe: Recipe { info.recipe }
    /// Length of the training.
    public var clock: TrainingClock { info.clock }
    /// Other facts of the training, such as `dataProtocol`, `precision` and `seed`.
    public var facts: [String: String] { info.facts }
    /// The safetensors file.
    public var path: String { info.path }
    /// SHA-256 of the tensors, in hexadecimal.
    public var digest: String { info.digest }
    /// Weights that are loaded: `.raw` for a file without an average.
    public var weights: ModelWeights { info.weights }
}

/// The one loading path of all kinds of models: an open model file and the place to load it to.
public struct ModelReader {
    let checkpoint: Checkpoint
    let info: ModelInfo
    private let device: Device
    private let state: [(key: String, tensor: Tensor)]

    init<Model: LoadedModel>(
        _ kind: Model.Type, _ source: String, state: ModelState, weights: ModelWeights, device: Device
    ) throws {
        let path = try ModelFile(source, state: state).path
        checkpoint = try Checkpoint(
            path: path,
            sections: Checkpoint.rawSections + ["average", "labels", RestorationModel.beforeSection])
        if let mismatch = kind.mismatch(checkpoint.recipe) { throw CheckpointError("\(path): \(mismatch)") }
        let found = checkpoint.weights(weights)
        (self.state, self.device) = (found.state, device)
        info = ModelInfo(
            recipe: checkpoint.recipe, clock: checkpoint.clock, facts: checkpoint.facts, path: path,
            digest: checkpoint.digest, weights: found.weights)
    }

    /// Loads the weights into a network of the recipe, and moves it to the device in inference mode.
    /// - Parameter module: the same network as a module.
    /// - Throws: `CheckpointError` with all keys and shapes that do not fit.
    func load<Network>(_ network: Network, as module: Module) throws -> Network {
        do { try module.load(state) } catch { throw CheckpointError("\(info.path): \(error)") }
        place(module)
        return network
    }

    /// Moves a network to the device in inference mode.
    func place(_ module: Module) {
        module.move(to: device, format: .channelsLast)
        module.train(false)
    }
}

// MARK: Generator

/// A trained generator.
public struct GeneratorModel: LoadedModel {
    /// Recipe, length of the training, file and digest.
    public let info: ModelInfo
    /// The generator, in inference mode.
    public let generator: any Generator
    /// Sampler of the generator's latents.
    public var sampler: LatentSampler

    /// The network as a module.
    public var module: Module { generator }

    /// Reason and advice for a recipe of another kind; nil for this kind.
    public static func mismatch(_ recipe: Recipe) -> String? {
        let command: String?
        switch recipe.system {
        case .adversarial: command = nil
        case .attributes: command = "facegan evaluate PICTURES --metrics accuracy --face MODEL"
        case .conversion: command = "facegan convert"
        case .restoration(let settings):
            command =
                settings.restorer.kind != .autoencoder
                ? "facegan upscale" : settings.restorer.autoencoder.skips ? "facegan reconstruct" : nil
        }
        return command.map {
            "the recipe \(recipe.name) does not generate faces from seeds; use the model with `\($0)`"
        }
    }

    /// Creates the model from an open file of this kind.
    /// - Throws: `CheckpointError` for weights that do not fit the recipe.
    public init(_ reader: ModelReader) throws {
        info = reader.info
        let (recipe, random) = (info.recipe, RandomSource(seed: 0))
        switch recipe.system {
        case .restoration(let settings):
            let restorer = settings.makeRestorer(resolution: recipe.resolution, random: random)
            guard let autoencoder = restorer as? FaceAutoencoder else {
                throw CheckpointError("\(info.path): expected an autoencoder, got \(type(of: restorer))")
            }
            generator = LatentDecoder(try reader.load(autoencoder, as: autoencoder))
            reader.place(generator)
        case .adversarial(let settings):
            let made = settings.makeGenerator(resolution: recipe.resolution, random: random)
            generator = try reader.load(made, as: made)
            // Imported weights have no clock.
            if info.facts[PyTorchImport.originFact] == nil,
                let growth = settings.growth(images: info.clock.images, resolution: recipe.resolution)
            {
                (generator as? any Growing)?.growth = growth
            }
            settings.setFade(of: [generator], images: info.clock.images)
        case .attributes, .conversion:
            throw CheckpointError("\(info.path): \(Self.mismatch(recipe) ?? "not a generator")")
        }
        sampler = LatentSampler(
            generator.latentSpace, labels: try reader.checkpoint.labelRows(path: info.path))
    }

    /// Names of the attributes that can be requested; empty for an unconditional model.
    public var attributes: [String] { sampler.labels?.names ?? [] }

    /// Attributes that are requested for all faces, such as `Smiling=1,Eyeglasses=0`; nil for none.
    public var requestedText: String? {
        guard !sampler.requested.isEmpty else { return nil }
        return sampler.requested.sorted { $0.key < $1.key }
            .map { "\(attributes[$0.key])=\($0.value > 0 ? 1 : 0)" }.joined(separator: ",")
    }

    /// Requests attributes for all faces, by name or index. The other attributes vary as in the training pictures.
    /// - Throws: `CheckpointError` for an attribute that the model does not have, with the nearest one, and for several or
    ///   absent classes of a model of classes.
    public mutating func request(_ wanted: [(name: String, isPresent: Bool)]) throws {
        if sampler.labels?.isExclusive == true, wanted.count > 1 || wanted.contains(where: { !$0.isPresent })
        {
            throw CheckpointError(
                "\(path): each face of this model has one of \(attributes.count) classes; request one, such as"
                    + " --class \(attributes[0])")
        }
        for (name, isPresent) in wanted {
            let number = Int(name).flatMap { attributes.indices.contains($0) ? $0 : nil }
            guard let index = attributes.firstIndex(of: name) ?? number else {
                throw attributes.isEmpty
                    ? CheckpointError(
                        "\(path): this model has no attributes to request; train the recipe `conditional`")
                    : .noAttribute(name, among: attributes)
            }
            sampler.requested[index] = isPresent ? 1 : -1
        }
    }
}

// MARK: Restorer

/// A trained network from photographs to photographs of the same faces, such as an autoencoder or super resolution.
public struct RestorationModel: LoadedModel {
    /// Recipe, length of the training, file and digest.
    public let info: ModelInfo
    /// The restorer, in inference mode.
    public let restorer: any Restorer
    /// Whether the file also has the weights from before the critic, so that a strength below 1 is possible.
    public let hasTwoStages: Bool

    /// Section of a state with the weights from before the critic.
    package static let beforeSection = "before"
    /// Key of the fact that records the start of the critic.
    package static let criticFact = "critic"

    /// The network as a module.
    public var module: Module { restorer }

    /// Reason and advice for a recipe of another kind; nil for this kind.
    public static func mismatch(_ recipe: Recipe) -> String? {
        if case .restoration = recipe.system { return nil }
        return
            "not a network that restores pictures (its recipe is \(recipe.name)); train one with --recipe dfl"
            + " or --recipe superres"
    }

    /// Creates the model from an open file of this kind.
    /// - Throws: `CheckpointError` for weights that do not fit the recipe.
    public init(_ reader: ModelReader) throws { try self.init(reader, strength: 1) }

    /// Loads a mixture of the weights from before the critic and the newest weights.
    /// - Parameters:
    ///   - source: a run directory, or a model file.
    ///   - state: state of a run directory.
    ///   - weights: newest weights; `.raw` is used if the file has no average.
    ///   - strength: 0 for the weights from before the critic, 1 for the newest weights; values between interpolate.
    ///   - device: device of the network.
    /// - Throws: as `init(_:state:weights:device:)`; also `CheckpointError` for a strength below 1 if the file has one set of
    ///   weights only.
    public init(
        _ source: String, state: ModelState = .last, weights: ModelWeights = .average, strength: Double,
        device: Device = .cpu
    ) throws {
        try self.init(
            ModelReader(Self.self, source, state: state, weights: weights, device: device), strength: strength
        )
    }

    private init(_ reader: ModelReader, strength: Double) throws {
        info = reader.info
        let before = reader.checkpoint.section(Self.beforeSection)
        hasTwoStages = !before.isEmpty && info.facts[Self.criticFact] != nil
        guard strength == 1 || hasTwoStages else {
            throw CheckpointError(
                "\(info.path): the training has not reached its critic, so the file has one set of weights; omit --strength"
            )
        }
        let restorer = info.recipe.restoration.makeRestorer(
            resolution: info.recipe.resolution, random: RandomSource(seed: 0))
        self.restorer = try reader.load(restorer, as: restorer)
        guard strength != 1 else { return }
        let other = Dictionary(before.map { ($0.key, $0.tensor) }, uniquingKeysWith: { first, _ in first })
        withoutGradients {
            for (key, tensor) in restorer.state {
                guard let value = other[key] else { continue }
                tensor.copy_(value.to(tensor.device).to(tensor.dtype).lerp(tensor, weight: strength))
            }
        }
    }
}

// MARK: Converter

/// A trained network that changes attributes of photographs.
public struct ConversionModel: LoadedModel {
    /// Recipe, length of the training, file and digest.
    public let info: ModelInfo
    /// The converter, in inference mode.
    public let converter: AttributeConverter

    /// The network as a module.
    public var module: Module { converter }

    /// Reason and advice for a recipe of another kind; nil for this kind.
    public static func mismatch(_ recipe: Recipe) -> String? {
        if case .conversion = recipe.system { return nil }
        return
            "not a network that changes attributes (its recipe is \(recipe.name)); train one with --recipe convert"
    }

    /// Creates the model from an open file of this kind.
    /// - Throws: `CheckpointError` for weights that do not fit the recipe.
    public init(_ reader: ModelReader) throws {
        info = reader.info
        let made = info.recipe.conversion.makeConverter(random: RandomSource(seed: 0))
        converter = try reader.load(made, as: made)
    }

    /// Names of the attributes that the model changes.
    public var attributes: [String] { recipe.attributeNames }

    /// Requested changes and the changes that they imply, such as the end of black hair that becomes blond.
    public func completed(_ wanted: [(name: String, isPresent: Bool)]) -> [(name: String, isPresent: Bool)] {
        AttributeChanges.completed(wanted, among: attributes)
    }

    /// Index of an attribute.
    /// - Throws: `CheckpointError` for an attribute that the model does not have, with the nearest one.
    public func column(of name: String) throws -> Int {
        guard let column = attributes.firstIndex(of: name) else {
            throw CheckpointError.noAttribute(name, among: attributes)
        }
        return column
    }
}

// MARK: Face network

/// A trained network that recognizes attributes of faces.
public struct AttributeModel: LoadedModel {
    /// Recipe, length of the training, file and digest.
    public let info: ModelInfo
    /// The face network, in inference mode.
    public let network: FaceNetwork
    /// Names of the network's outputs.
    public let attributes: [String]

    /// The network as a module.
    public var module: Module { network }

    /// Reason and advice for a recipe of another kind; nil for this kind.
    public static func mismatch(_ recipe: Recipe) -> String? {
        if case .attributes = recipe.system { return nil }
        return "not a face network (its recipe is \(recipe.name)); train one with --recipe attributes"
    }

    /// Creates the model from an open file of this kind.
    /// - Throws: `CheckpointError` for weights that do not fit the recipe.
    public init(_ reader: ModelReader) throws {
        info = reader.info
        guard let names = info.facts["attributes"] else {
            throw CheckpointError(
                "\(info.path): the file does not name the attributes of its face network; train one with --recipe"
                    + " attributes")
        }
        attributes = names.split(separator: " ").map(String.init)
        let made = info.recipe.attributes.network.make(
            outputs: attributes.count, random: RandomSource(seed: 0))
        network = try reader.load(made, as: made)
    }

    /// File of the built-in face network in `BundledWeights`.
    public static let builtInFile = "face.safetensors"

    /// The built-in face network; see `Weights/README.md`.
    /// - Throws: `WeightsError` if the file is missing, and as `init(_:state:weights:device:)`.
    public static func builtIn(device: Device = .cpu) throws -> AttributeModel {
        try AttributeModel(try BundledWeights.path(of: builtInFile), device: device)
    }
}
