import Models
import Recipes
import Torch
import TorchNN

/// Conversion of a PyTorch checkpoint to a model.
///
/// The networks are found in nested dictionaries and behind prefixes such as `module.`. Their tensors are recognized by the
/// keys of this package or, under other keys, by the order and shapes of the layers. Sizes are those of the shapes.
public struct PyTorchImport {
    /// Network of the recipe that weights belong to.
    public enum Network: String, Sendable, CaseIterable {
        /// The generator.
        case generator
        /// The discriminator or critic.
        case discriminator
    }

    /// Key of the fact that records the origin of imported weights.
    public static let originFact = "origin"

    /// Network that the weights were loaded into, or with which they were compared.
    public let network: Network
    /// Recipe with the sizes in the file.
    public let recipe: Recipe
    /// Keys and shapes that do not fit; empty if every key was loaded.
    public let mismatch: StateMismatch
    /// Keys that fit.
    public let taken: [String]
    /// The model; nil if the weights do not fit.
    public let checkpoint: Checkpoint?
    /// Description of the result for a terminal, at most 20 lines.
    public let report: [String]

    /// Reads the networks of a recipe from a file.
    /// - Parameters:
    ///   - path: PyTorch checkpoint, or safetensors file.
    ///   - recipe: adversarial recipe that describes the networks.
    ///   - network: network to import; nil imports the generator, and the discriminator if the file has it.
    ///   - key: key of the dictionary to import; nil searches the file.
    ///   - fixed: keys of the recipe, such as `generator.filters`, that keep their values. The others change to the sizes in
    ///     the file.
    /// - Throws: `FileError` for a damaged file; `CheckpointError` for a recipe without a generator, a key that is not in the
    ///   file, and a file with several networks that fit equally well.
    public init(
        path: String, recipe: Recipe, network: Network? = nil, key: String? = nil, fixed: Set<String> = []
    ) throws {
        try self.init(path: path, recipes: [recipe], network: network, key: key, fixed: fixed)
    }

    /// Reads the networks of the first recipe that fits.
    /// - Parameter recipes: adversarial recipes, at least one. The first one is compared with the weights if none fits.
    /// - Throws: as `init(path:recipe:network:key:fixed:)`.
    public init(
        path: String, recipes: [Recipe], network: Network? = nil, key: String? = nil,
        fixed: Set<String> = []
    ) throws {
        for recipe in recipes {
            guard case .adversarial = recipe.system else {
                throw CheckpointError(
                    "the recipe \(recipe.name) has no generator; weights are imported into adversarial recipes"
                )
            }
        }
        let file = try StateFile(path: path)
        let chosen = StateCandidate.all(in: file, under: key).map { StyleGAN2Names.canonical($0, in: file) }
        guard !chosen.isEmpty else { throw Self.noWeights(in: file, under: key) }
        let all =
            key == nil
            ? chosen : StateCandidate.all(in: file).map { StyleGAN2Names.canonical($0, in: file) }
        var searches = recipes.map { ImportSearch(file, recipe: $0, fixed: fixed) }
        // A recipe that fits the generator has precedence.
        for wanted in network.map({ [$0] }) ?? Network.allCases {
            for index in searches.indices {
                let found = searches[index].matches(wanted, in: chosen)
                guard !found.isEmpty else { continue }
                let choice = try ImportChoice(
                    wanted, found, others: network == nil ? all : [], &searches[index])
                checkpoint = try choice.checkpoint(searches[index])
                (self.network, recipe) = (wanted, choice.recipe)
                mismatch = StateMismatch(ownShapes: [], givenShapes: [])
                taken = choice.main.candidate.entries.map(\.key)
                report = choice.report
                return
            }
        }
        let failure = ImportFailure(chosen, network, &searches[0])
        (self.network, recipe, mismatch, taken) = (
            failure.network, recipes[0], failure.mismatch, failure.taken
        )
        (checkpoint, report) = (nil, failure.report)
    }

    private static func noWeights(in file: StateFile, under key: String?) -> CheckpointError {
        let keys = StateCandidate.all(in: file).map(\.path).filter { !$0.isEmpty }
        let known =
            keys.isEmpty ? "" : "; the file has " + keys.prefix(8).map { "`\($0)`" }.joined(separator: ", ")
        if let key { return CheckpointError("\(file.path): no network under the key `\(key)`\(known)") }
        let content =
            file.entries.isEmpty
            ? "it has no tensors" : "its \(file.entries.count) tensors are not the layers of a network"
        return CheckpointError(
            "\(file.path): no weights of a network: \(content). Save them with"
                + " torch.save(generator.state_dict(), path).")
    }
}

/// Selection among the networks of a file, and the model that they make.
struct ImportChoice {
    let network: PyTorchImport.Network
    /// Weights of the network.
    let main: ImportSearch.Match
    /// Raw weights of a generator whose average is `main`; nil for none.
    private(set) var raw: ImportSearch.Match?
    /// Discriminator of the same file; nil for none.
    private(set) var discriminator: ImportSearch.Match?
    /// Recipe with the sizes of all networks.
    private(set) var recipe: Recipe
    /// Recipe before the sizes of the file were applied.
    private let original: Recipe
    private var notes: [String] = []

    /// - Parameters:
    ///   - found: candidates that fit the network.
    ///   - others: candidates among which the discriminator is searched for.
    /// - Throws: `CheckpointError` if several candidates fit equally well.
    init(
        _ network: PyTorchImport.Network, _ found: [ImportSearch.Match], others: [StateCandidate],
        _ search: inout ImportSearch
    ) throws {
        self.network = network
        let averages = found.filter(\.candidate.isAverage)
        let plain = found.filter { !$0.candidate.isAverage }
        let best = averages.isEmpty ? plain : averages
        guard best.count == 1 else {
            let keys = best.map { $0.candidate.path.isEmpty ? "the whole file" : $0.candidate.path }
            throw CheckpointError(
                "\(search.file.path): \(best.count) dictionaries fit the \(network.rawValue):"
                    + " \(keys.prefix(6).joined(separator: ", ")). Choose one with --key \(keys[0])")
        }
        main = best[0]
        (recipe, original) = (main.recipe, search.recipe)
        if !averages.isEmpty, !plain.isEmpty {
            let names = plain.map(\.candidate.title).prefix(4).joined(separator: ", ")
            if plain.count == 1, plain[0].recipe == main.recipe, network == .generator {
                raw = plain[0]
                notes.append(
                    "\(main.candidate.title) is the moving average and is used; the raw weights \(names) are kept for"
                        + " --raw and training")
            } else {
                notes.append(
                    "\(main.candidate.title) is the moving average and was preferred to \(names); --key selects another"
                )
            }
        }
        if network == .generator { addDiscriminator(others, search) }
        let optimizers = StateCandidate.optimizers(in: search.file)
        if !optimizers.isEmpty {
            let names = optimizers.prefix(4).map(ImportText.short).joined(separator: ", ")
            notes.append(
                "the state of the optimizers (\(names)) is left out: a run with --from starts its optimizers at 0, with the"
                    + " learning rates of its recipe")
        }
    }

    private mutating func addDiscriminator(_ candidates: [StateCandidate], _ other: ImportSearch) {
        // The discriminator is for pictures of the generator.
        var search = ImportSearch(other.file, recipe: recipe, fixed: other.fixed)
        let used = Set(main.candidate.entries.map(\.name))
        let rest = candidates.filter { used.isDisjoint(with: $0.entries.map(\.name)) }
        var found = search.matches(.discriminator, in: rest)
        if found.count > 1 { found.removeAll(where: \.candidate.isAverage) }
        switch found.count {
        case 0:
            if let other = rest.first(where: { TensorShapes($0).network == .discriminator }) {
                notes.append("the discriminator \(other.title) does not fit this recipe and was not imported")
            }
        case 1:
            guard found[0].recipe.resolution == recipe.resolution else {
                notes.append(
                    "the discriminator \(found[0].candidate.title) is for pictures of another size and was not imported"
                )
                return
            }
            discriminator = found[0]
            recipe = found[0].recipe
        default:
            let names = found.map(\.candidate.title).prefix(4).joined(separator: ", ")
            notes.append(
                "\(found.count) discriminators fit (\(names)) and none was imported; --network discriminator --key selects"
                    + " one")
        }
    }

    /// Model of the chosen weights.
    /// - Throws: `FileError`, `TorchError.outOfMemory`.
    func checkpoint(_ search: ImportSearch) throws -> Checkpoint {
        var made = Checkpoint(
            recipe: recipe, facts: [PyTorchImport.originFact: "imported from a PyTorch state dictionary"])
        if let raw {
            made.add(network.rawValue, try search.state(network, raw))
            made.add("average", try search.state(network, main))
        } else {
            made.add(network.rawValue, try search.state(network, main))
        }
        if let discriminator {
            made.add("discriminator", try search.state(.discriminator, discriminator))
        }
        return made
    }

    /// Description for a terminal.
    var report: [String] {
        var lines: [String] = []
        func add(_ network: PyTorchImport.Network, _ match: ImportSearch.Match) {
            lines.append(
                "\(network.rawValue) of \(recipe.name): \(match.fit.count) keys fit, 0 missing, 0 unexpected, 0 of another"
                    + " shape")
            var facts: [String] = []
            if !match.candidate.path.isEmpty {
                facts.append("from \(ImportText.short(match.candidate.title))")
            }
            if match.fit.method == .order { facts.append("matched by order and shapes") }
            if !match.fit.foldedBiases.isEmpty {
                facts.append("biases added to the means of the batch normalization")
            }
            if !facts.isEmpty { lines.append("  " + facts.joined(separator: "; ")) }
            let sizes = match.sizes?.shown(for: original) ?? []
            if !sizes.isEmpty { lines.append("  " + sizes.joined(separator: ", ")) }
        }
        add(network, main)
        if let discriminator { add(.discriminator, discriminator) }
        return lines + notes.map { "note: \($0)" }
    }
}
