import Recipes
import TorchNN

/// Reasons why no weights of a file fit a recipe.
struct ImportFailure {
    /// Network with which the weights were compared.
    let network: PyTorchImport.Network
    let mismatch: StateMismatch
    /// Keys that fit.
    let taken: [String]
    /// Description for a terminal.
    let report: [String]

    /// - Parameters:
    ///   - candidates: candidates of the file, at least one.
    ///   - requested: network that the user requested; nil for none.
    init(
        _ candidates: [StateCandidate], _ requested: PyTorchImport.Network?, _ search: inout ImportSearch
    ) {
        // The candidate and network with the fewest differences. Shapes and names decide which network it is.
        var best: (candidate: StateCandidate, network: PyTorchImport.Network, mismatch: StateMismatch)?
        for candidate in candidates {
            let shown = TensorShapes(candidate).network ?? candidate.namedNetwork
            for network in PyTorchImport.Network.allCases where shown ?? network == network {
                let mismatch = search.mismatch(network, candidate)
                if best.map({ Self.badness(mismatch) < Self.badness($0.mismatch) }) ?? true {
                    best = (candidate, network, mismatch)
                }
            }
        }
        let candidate = best?.candidate ?? candidates[0]
        network = best?.network ?? requested ?? .generator
        mismatch = best?.mismatch ?? search.mismatch(network, candidate)
        let wrong = Set(mismatch.misshaped.map(\.key) + mismatch.unexpected)
        taken = candidate.entries.map(\.key).filter { !wrong.contains($0) }
        var lines: [String] = []
        if TensorShapes(candidate).network ?? candidate.namedNetwork ?? requested == nil {
            // Neither the shapes nor the names tell what it is.
            lines.append("no network of the recipe \(search.recipe.name) has these layers")
            lines += ImportText.list("keys in the file", candidate.entries.map(\.key))
        } else {
            lines.append(
                "\(network.rawValue) of \(search.recipe.name): \(taken.count) keys fit, \(mismatch.missing.count) missing, "
                    + "\(mismatch.unexpected.count) unexpected, \(mismatch.misshaped.count) of another shape")
            if !candidate.path.isEmpty { lines.append("  from \(ImportText.short(candidate.title))") }
            lines += ImportText.list("missing", mismatch.missing)
            lines += ImportText.list("unexpected", mismatch.unexpected)
            lines += ImportText.list(
                "of another shape",
                mismatch.misshaped.map { "\($0.key) expected \($0.expected), got \($0.received)" })
        }
        lines.append(Self.advice(candidate, network, requested, mismatch, &search))
        report = lines
    }

    private static func badness(_ mismatch: StateMismatch) -> Int {
        mismatch.missing.count + mismatch.unexpected.count + mismatch.misshaped.count
    }

    private static func advice(
        _ candidate: StateCandidate, _ network: PyTorchImport.Network, _ requested: PyTorchImport.Network?,
        _ mismatch: StateMismatch, _ search: inout ImportSearch
    ) -> String {
        let shapes = TensorShapes(candidate)
        if let requested, let shown = shapes.network ?? candidate.namedNetwork, shown != requested {
            return "The file holds a \(shown.rawValue), not a \(requested.rawValue). Omit --network."
        }
        if let colors = shapes.colors, colors != 3 {
            return
                "The pictures of this network have \(colors == 1 ? "1 color" : "\(colors) colors"); those of FaceGAN"
                + " have 3. Train the network on RGB pictures."
        }
        var free = ImportSearch(search.file, recipe: search.recipe, fixed: [])
        if !search.fixed.isEmpty, let match = free.matches(network, in: [candidate]).first {
            let wrong = (match.sizes?.values ?? []).filter { size in
                search.fixed.contains(size.key)
                    && NetworkSizes.differs(size, from: search.recipe)
            }
            if !wrong.isEmpty {
                return "The file has " + wrong.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
                    + ". Omit " + wrong.map { "--set \($0.key)" }.joined(separator: " and ")
                    + "; sizes are read from the file."
            }
        }
        if mismatch.missing.isEmpty, mismatch.misshaped.isEmpty,
            let bias = mismatch.unexpected.first(where: { $0.hasSuffix("bias") })
        {
            return
                "The layer of \(ImportText.short(bias)) has a bias that the recipe \(search.recipe.name) lacks, and no"
                + " batch normalization follows. Train the network with bias=False in this layer."
        }
        let sizes = NetworkSizes(of: network, in: candidate, recipe: search.recipe)
        guard sizes == nil || mismatch.missing.count + mismatch.misshaped.count > 6 else {
            return
                "The layers are those of the recipe \(search.recipe.name), except for the keys above. Correct them in"
                + " Python and save the state dictionary again."
        }
        let kernels = Set(shapes.convolutions.map { $0[2] }).sorted()
        let found =
            shapes.convolutions.isEmpty
            ? "no convolutions"
            : "\(shapes.convolutions.count) convolutions with kernels of "
                + kernels.prefix(4).map { "\($0)x\($0)" }.joined(separator: ", ")
        return
            "The file has \(found); its layers are not those of the recipe \(search.recipe.name). Choose another network"
            + " with --recipe (see `facegan recipes`)."
    }
}

/// Text of reports that fits a screen, whatever the keys of a file are.
enum ImportText {
    /// Number of keys of a list that are shown.
    private static let shown = 4
    /// Number of characters of a key that are shown.
    private static let longest = 72

    /// A key, shortened in its middle.
    static func short(_ key: String) -> String {
        guard key.count > longest else { return key }
        return key.prefix(longest / 2) + "…" + key.suffix(longest / 2 - 1)
    }

    /// Lines of a list: the first keys, and the number of the others.
    static func list(_ title: String, _ keys: [String]) -> [String] {
        guard !keys.isEmpty else { return [] }
        let more = keys.count > shown ? ["… and \(keys.count - shown) more"] : []
        return ["\(title):"] + (keys.prefix(shown).map(short) + more).map { "  " + $0 }
    }
}
