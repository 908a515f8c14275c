import TorchNN

/// Assignment of the tensors of a candidate to the state of a network.
struct StateFit {
    /// How the tensors were found.
    enum Method {
        /// By their keys.
        case names
        /// By their order and shapes.
        case order
    }

    let method: Method
    /// Name in the file for each key of the network. Counts of batches can be absent.
    private(set) var names: [String: String] = [:]
    /// Biases of convolutions that the network lacks, before a batch normalization: key of its running mean, and name of the
    /// bias in the file. Subtracting the bias from the mean gives the same function.
    private(set) var foldedBiases: [(mean: String, bias: String)] = []

    /// Number of tensors that are used.
    var count: Int { names.count + foldedBiases.count }

    /// Finds every tensor of a network, and uses every tensor of the candidate.
    /// - Parameters:
    ///   - candidate: tensors of the file.
    ///   - own: keys and shapes of the network.
    /// - Returns: nil if that is not possible.
    init?(_ candidate: StateCandidate, own: [(key: String, shape: [Int])]) {
        let given = candidate.entries.map { entry in
            StateCandidate.Entry(
                key: Self.spectralKey(entry.key), name: entry.name, shape: entry.shape)
        }
        // In alphabetical order, layer 10 precedes layer 2. Layers of equal shapes would be exchanged.
        let isAlphabetical = zip(given, given.dropFirst()).allSatisfy { $0.key < $1.key }
        if let fit = Self.byNames(given, own) {
            self = fit
        } else if let fit = (isAlphabetical ? nil : Self.byModules(given, own, order: nil))
            ?? Self.byModules(given, own, order: NaturalOrder.precedes) ?? Self.byShapes(given, own)
        {
            self = fit
        } else {
            return nil
        }
    }

    private init(_ method: Method) { self.method = method }

    /// Mean of w of a StyleGAN2, which can be computed from the other weights.
    static let averageKey = "mapping.w_avg"

    private static func isCount(_ key: String) -> Bool { leaf(key) == "num_batches_tracked" }

    private static func leaf(_ key: String) -> Substring {
        key.lastIndex(of: ".").map { key[key.index(after: $0)...] } ?? key[...]
    }

    /// Keys of spectral normalization since PyTorch 1.9 to those of earlier versions, which this package has.
    private static func spectralKey(_ key: String) -> String {
        for (new, old) in [
            ("parametrizations.weight.original", "weight_orig"),
            ("parametrizations.weight.0._u", "weight_u"), ("parametrizations.weight.0._v", "weight_v"),
        ] where key == new || key.hasSuffix("." + new) {
            return key.dropLast(new.count) + old
        }
        return key
    }

    // MARK: Methods

    private static func byNames(_ given: [StateCandidate.Entry], _ own: [(key: String, shape: [Int])])
        -> StateFit?
    {
        let known = Dictionary(given.map { ($0.key, $0) }, uniquingKeysWith: { first, _ in first })
        var fit = StateFit(.names)
        for (key, shape) in own {
            guard let entry = known[key], entry.shape == shape else {
                if isCount(key) || key == averageKey, known[key] == nil { continue }
                return nil
            }
            fit.names[key] = entry.name
        }
        return known.count == fit.names.count && known.count == given.count ? fit : nil
    }

    /// A layer: tensors whose keys differ in the last component only.
    private struct Layer {
        let path: Substring
        var tensors: [(leaf: Substring, key: String, name: String, shape: [Int])] = []

        /// Tensors without the count of batches.
        var shapes: [Substring: [Int]] {
            Dictionary(
                tensors.filter { $0.leaf != "num_batches_tracked" }.map { ($0.leaf, $0.shape) },
                uniquingKeysWith: { first, _ in first })
        }
        var isNormalization: Bool { tensors.contains { $0.leaf == "running_mean" } }
    }

    private static func layers(_ entries: [(key: String, name: String, shape: [Int])]) -> [Layer] {
        var found: [Layer] = []
        var index: [Substring: Int] = [:]
        for (key, name, shape) in entries {
            let leaf = leaf(key)
            let path = key.dropLast(leaf.count)
            let place = index[path] ?? found.count
            if place == found.count {
                found.append(Layer(path: path))
                index[path] = place
            }
            found[place].tensors.append((leaf, key, name, shape))
        }
        return found
    }

    /// Pairs layers of equal shapes in their order.
    ///
    /// Convolutions and normalizations may be interleaved in another way than in the network, as long as each kind is in
    /// order: `tconv1, tconv2, bn1, bn2`.
    private static func byModules(
        _ given: [StateCandidate.Entry], _ own: [(key: String, shape: [Int])],
        order: ((String, String) -> Bool)?
    ) -> StateFit? {
        var entries = given
        if let order { entries.sort { order($0.key, $1.key) } }
        let layers = layers(entries.map { ($0.key, $0.name, $0.shape) })
        let target = Self.layers(own.map { ($0.key, $0.key, $0.shape) })
        guard layers.count == target.count else { return nil }
        var fit = StateFit(.order)
        var last: [Bool: Int] = [:]
        var used = Set<Int>()
        for (position, layer) in target.enumerated() {
            let shapes = layer.shapes
            var extra: [Int]?
            guard
                let match = layers.indices.first(where: { index in
                    guard !used.contains(index) else { return false }
                    var other = layers[index].shapes
                    if other == shapes { return true }
                    // A bias that the network lacks.
                    guard shapes["bias"] == nil, let bias = other.removeValue(forKey: "bias"),
                        other == shapes
                    else { return false }
                    extra = bias
                    return true
                })
            else { return nil }
            // Layers of one kind in another order: equal shapes could be exchanged.
            guard match > last[layer.isNormalization] ?? -1 else { return nil }
            last[layer.isNormalization] = match
            used.insert(match)
            let source = Dictionary(
                layers[match].tensors.map { ($0.leaf, $0.name) }, uniquingKeysWith: { first, _ in first })
            for tensor in layer.tensors {
                if let name = source[tensor.leaf] { fit.names[tensor.key] = name }
            }
            if layers[match].shapes.count > shapes.count {
                guard let extra, position + 1 < target.count, target[position + 1].isNormalization,
                    let mean = target[position + 1].tensors.first(where: { $0.leaf == "running_mean" }),
                    mean.shape == extra, let bias = source["bias"]
                else { return nil }
                fit.foldedBiases.append((mean.key, bias))
            }
        }
        return fit
    }

    /// Pairs tensors of equal shapes in their order, whatever their keys are.
    private static func byShapes(_ given: [StateCandidate.Entry], _ own: [(key: String, shape: [Int])])
        -> StateFit?
    {
        let hasCounts = given.contains { isCount($0.key) }
        let target = hasCounts ? own : own.filter { !isCount($0.key) }
        // A key that names another tensor of a layer contradicts the order.
        let leaves: Set<Substring> = ["weight", "bias", "running_mean", "running_var"]
        guard given.count == target.count,
            zip(given, target).allSatisfy({ entry, own in
                entry.shape == own.shape
                    && (!leaves.contains(leaf(entry.key)) || leaf(entry.key) == leaf(own.key))
            })
        else { return nil }
        var fit = StateFit(.order)
        for (entry, (key, _)) in zip(given, target) { fit.names[key] = entry.name }
        return fit
    }
}
