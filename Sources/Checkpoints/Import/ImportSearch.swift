import Models
import Recipes
import Torch
import TorchNN

/// Search for the networks of a recipe among the candidates of a file.
struct ImportSearch {
    /// A candidate that fits a network.
    struct Match {
        let candidate: StateCandidate
        let fit: StateFit
        /// Sizes in the file; nil if the recipe's were used.
        let sizes: NetworkSizes?
        /// Recipe with these sizes.
        let recipe: Recipe
    }

    let file: StateFile
    /// Recipe whose sizes the file may replace.
    let recipe: Recipe
    /// Keys of the recipe that keep their values.
    let fixed: Set<String>
    private var shapes: [String: [(key: String, shape: [Int])]] = [:]

    init(_ file: StateFile, recipe: Recipe, fixed: Set<String>) {
        (self.file, self.recipe, self.fixed) = (file, recipe, fixed)
    }

    /// Candidates that fit a network. Of candidates with the same tensors, the one with the network's keys, otherwise the
    /// outermost.
    mutating func matches(_ network: PyTorchImport.Network, in candidates: [StateCandidate]) -> [Match] {
        var found: [(match: Match, names: Set<String>)] = []
        for candidate in candidates {
            guard let match = match(network, candidate) else { continue }
            let names = Set(candidate.entries.map(\.name))
            if let index = found.firstIndex(where: { $0.names.isSuperset(of: names) }) {
                if match.fit.method == .names, found[index].match.fit.method != .names,
                    found[index].names == names
                {
                    found[index].match = match
                }
            } else {
                found.append((match, names))
            }
        }
        return found.map(\.match)
    }

    private mutating func match(_ network: PyTorchImport.Network, _ candidate: StateCandidate) -> Match? {
        if let sizes = NetworkSizes(of: network, in: candidate, recipe: recipe),
            let sized = sizes.applied(to: recipe, fixed: fixed),
            let fit = StateFit(candidate, own: own(network, sized))
        {
            return Match(candidate: candidate, fit: fit, sizes: sizes, recipe: sized)
        }
        // Networks whose sizes are not known from their shapes have those of the recipe.
        return StateFit(candidate, own: own(network, recipe)).map {
            Match(candidate: candidate, fit: $0, sizes: nil, recipe: recipe)
        }
    }

    /// Differences between the keys and shapes of a candidate and those of a network with the sizes of the candidate.
    mutating func mismatch(_ network: PyTorchImport.Network, _ candidate: StateCandidate) -> StateMismatch {
        let sized =
            NetworkSizes(of: network, in: candidate, recipe: recipe)?.applied(to: recipe, fixed: fixed)
            ?? recipe
        return StateMismatch(
            ownShapes: own(network, sized), givenShapes: candidate.entries.map { ($0.key, $0.shape) })
    }

    /// Keys and shapes of a network.
    private mutating func own(_ network: PyTorchImport.Network, _ recipe: Recipe) -> [(
        key: String, shape: [Int]
    )] {
        let name = network.rawValue + "\n" + recipe.yaml
        if let known = shapes[name] { return known }
        let found = Self.module(network, recipe)?.state.map { ($0.key, $0.tensor.shape) } ?? []
        shapes[name] = found
        return found
    }

    /// Network of an adversarial recipe, with initial weights; nil for another recipe.
    static func module(_ network: PyTorchImport.Network, _ recipe: Recipe) -> Module? {
        guard case .adversarial(let settings) = recipe.system else { return nil }
        let random = RandomSource(seed: 0)
        return switch network {
        case .generator: settings.makeGenerator(resolution: recipe.resolution, random: random)
        case .discriminator: settings.makeDiscriminator(resolution: recipe.resolution, random: random)
        }
    }

    /// Reads the tensors of a match.
    /// - Returns: the state of the network.
    /// - Throws: `FileError`, `TorchError.outOfMemory`.
    func state(_ network: PyTorchImport.Network, _ match: Match) throws -> [(key: String, tensor: Tensor)] {
        guard let module = Self.module(network, match.recipe) else { return [] }
        let fit = match.fit
        var tensors = try file.read(Set(fit.names.values).union(fit.foldedBiases.map(\.bias)))
        for (mean, bias) in fit.foldedBiases {
            guard let name = fit.names[mean], let value = tensors[name], let bias = tensors[bias] else {
                continue
            }
            tensors[name] = value.to(.float32) - bias.to(.float32)
        }
        let shapes = Dictionary(
            module.state.map { ($0.key, $0.tensor.shape) }, uniquingKeysWith: { a, _ in a })
        let given = fit.names.compactMap { key, name -> (key: String, tensor: Tensor)? in
            guard let tensor = tensors[name], let shape = shapes[key] else { return nil }
            // Files of rosinality's StyleGAN2 have leading dimensions of size 1.
            return (key, tensor.shape == shape ? tensor : tensor.reshape(shape))
        }
        try module.load(given, strict: false)
        if let generator = module as? StyleGAN2Generator, fit.names[StateFit.averageKey] == nil {
            generator.estimateAverage()
        }
        return module.state
    }
}
