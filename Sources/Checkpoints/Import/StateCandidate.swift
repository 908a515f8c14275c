/// Tensors in a file that can be the state of one network: a nested dictionary, or all keys with a prefix.
struct StateCandidate {
    struct Entry {
        /// Key relative to the path of the candidate.
        let key: String
        /// Name in the file.
        let name: String
        /// Dimensions.
        let shape: [Int]
    }

    /// Dotted prefix of the names; empty for the whole file.
    let path: String
    /// Tensors, without the state of optimizers.
    let entries: [Entry]

    /// Limit of the feature maps that the file names for a StyleGAN2; nil for none.
    var clamp: Double?

    /// Name of the candidate in messages.
    var title: String { path.isEmpty ? "the file" : "`\(path)`" }
    /// Whether the names say that the weights are a moving average.
    var isAverage: Bool { Self.words(path).contains { word in Self.averages.contains { word.contains($0) } } }
    /// Network that the names indicate; nil if they indicate none.
    var namedNetwork: PyTorchImport.Network? {
        for word in Self.words(path).reversed() {
            if Self.isDiscriminator(word) { return .discriminator }
            if Self.isGenerator(word) { return .generator }
        }
        return nil
    }
    /// Number of elements of all tensors; `.max` on overflow.
    var elementCount: Int {
        entries.reduce(0) { sum, entry in
            let (count, overflow) = entry.shape.reduce((1, false)) { result, side in
                let (product, isLarge) = result.0.multipliedReportingOverflow(by: side)
                return (product, result.1 || isLarge)
            }
            let (total, carry) = sum.addingReportingOverflow(count)
            return overflow || carry ? .max : total
        }
    }

    // MARK: Search

    private static let maxDepth = 8
    private static let maxCount = 64

    /// Candidates of a file. A candidate comes before the candidates inside it.
    ///
    /// Wrappers add dictionaries and prefixes: `state_dict`, `netG`, `module.`, `_orig_mod.`. The search enters nested
    /// dictionaries, a prefix that all keys have, and prefixes that are names of networks. It does not enter other prefixes,
    /// because they can be parts of a network.
    /// - Parameters:
    ///   - file: file of weights.
    ///   - key: dotted key of a nested dictionary, or prefix of names, to which the search is limited; nil for none.
    static func all(in file: StateFile, under key: String? = nil) -> [StateCandidate] {
        let entries = file.entries.filter { !isOptimizer($0.name) }
        var found: [StateCandidate] = []
        var seen = Set<String>()
        func visit(_ path: String, _ inside: [Entry], depth: Int) {
            guard found.count < maxCount, depth <= maxDepth, seen.insert(path).inserted,
                inside.count(where: { $0.shape.count >= 2 }) >= 2
            else { return }
            found.append(StateCandidate(path: path, entries: inside))
            var groups: [String: [Entry]] = [:]
            var order: [String] = []
            for entry in inside {
                guard let dot = entry.key.firstIndex(of: ".") else { continue }
                let word = String(entry.key[..<dot])
                if groups[word] == nil { order.append(word) }
                groups[word, default: []].append(
                    Entry(
                        key: String(entry.key[entry.key.index(after: dot)...]), name: entry.name,
                        shape: entry.shape))
            }
            for word in order {
                guard let group = groups[word], group.count == inside.count || isWrapper(word) else {
                    continue
                }
                visit(path.isEmpty ? word : path + "." + word, group, depth: depth + 1)
            }
        }
        func visit(prefix: String) {
            let inside = entries.filter { $0.name.hasPrefix(prefix) }
            visit(
                String(prefix.dropLast()),
                inside.map {
                    Entry(key: String($0.name.dropFirst(prefix.count)), name: $0.name, shape: $0.shape)
                }, depth: 0)
        }
        visit(prefix: key.map { $0 + "." } ?? "")
        for container in file.containers.prefix(256) where !isOptimizer(container) {
            if key.map({ container.hasPrefix($0 + ".") }) ?? true { visit(prefix: container + ".") }
        }
        return found
    }

    // MARK: Names

    private static let averages: Set<String> = ["ema", "average", "avg", "shadow", "smooth", "running"]
    /// Tensors of training programs that are not part of a network.
    private static let counters: Set<String> = [
        "fixed_noise", "fixed_z", "n_averaged", "initted", "step", "steps", "epoch", "iteration",
        "iterations",
    ]
    private static let wrappers: Set<String> = [
        "module", "_orig_mod", "model", "models", "net", "network", "networks", "nets", "gan", "params",
        "weights", "state_dict", "parameters",
    ]
    private static let optimizerStates: Set<String> = [
        "exp_avg", "exp_avg_sq", "max_exp_avg_sq", "momentum_buffer", "square_avg", "param_groups",
    ]

    /// Lower-case words of a dotted path.
    private static func words(_ path: String) -> [String] {
        path.split(separator: ".").map { $0.lowercased() }
    }

    /// Whether a name belongs to an optimizer or to a counter of a training program.
    private static func isOptimizer(_ name: String) -> Bool {
        words(name).contains {
            counters.contains($0) || isOptimizerName($0) || optimizerStates.contains($0)
        }
    }

    /// Keys of the states of optimizers in a file, such as `g_optim`, in their order.
    static func optimizers(in file: StateFile) -> [String] {
        var found: [String] = []
        for entry in file.entries where isOptimizer(entry.name) {
            let words = entry.name.split(separator: ".")
            guard let end = words.firstIndex(where: { isOptimizerName($0.lowercased()) }) else { continue }
            let name = words[...end].joined(separator: ".")
            if !found.contains(name) { found.append(name) }
            if found.count == 8 { break }
        }
        return found
    }

    private static func isOptimizerName(_ word: String) -> Bool {
        word.contains("optim") || word == "opt" || word.hasPrefix("opt_") || word.hasSuffix("_opt")
    }

    private static func isDiscriminator(_ word: String) -> Bool {
        word.contains("disc") || word.contains("critic") || word.contains("netd") || word == "d"
            || word == "dis" || word.hasPrefix("d_") || word.hasSuffix("_d")
    }

    private static func isGenerator(_ word: String) -> Bool {
        word.contains("gen") || word.contains("netg") || word == "g" || word.hasPrefix("g_")
            || word.hasSuffix("_g")
    }

    private static func isWrapper(_ word: String) -> Bool {
        let word = word.lowercased()
        return wrappers.contains(word) || word.contains("state_dict")
            || averages.contains { word.contains($0) }
            || isDiscriminator(word) || isGenerator(word)
    }
}
