import Files
import Torch
import TorchNN

/// Weights file: a PyTorch state dictionary or a safetensors file. Tensors are read on demand.
struct WeightsFile {
    let path: String
    /// Shapes by key.
    let shapes: [String: [Int]]
    private let isSafetensors: Bool

    /// - Throws: `FileError` for another format or a damaged file.
    init(path: String) throws {
        self.path = path
        if let file = try? SafetensorsFile(path: path) {
            isSafetensors = true
            shapes = Dictionary(uniqueKeysWithValues: file.entries.map { ($0.name, $0.shape) })
        } else {
            isSafetensors = false
            let file = try PyTorchFile(path: path)
            shapes = Dictionary(uniqueKeysWithValues: file.tensors.map { ($0.name, $0.tensor.shape) })
        }
    }

    /// Loads all keys of a network.
    /// - Parameter known: entry with the prefix of the keys and unused keys.
    /// - Throws: `StateMismatch` with all mismatches; `FileError`.
    func load(into module: Module, as known: KnownWeights?) throws {
        let (unused, place) = (known?.unused ?? [], known?.place ?? "")
        func isWanted(_ key: String) -> Bool {
            key.hasPrefix(place) && !unused.contains { key.hasPrefix($0) }
        }
        var state: [(key: String, tensor: Tensor)] = []
        if isSafetensors {
            let file = try TensorFile(path: path)
            for name in file.names where isWanted(name) {
                if let tensor = try file.tensor(name) { state.append((name, tensor)) }
            }
        } else {
            state = try PyTorchStateDictionary.read(path, where: isWanted).map { ($0.name, $0.tensor) }
        }
        if !place.isEmpty { state = state.map { (String($0.key.dropFirst(place.count)), $0.tensor) } }
        // Files of PyTorch before 1.0 have no counts of batches, which are not used.
        let given = Set(state.map(\.key))
        for (key, tensor) in module.state where key.hasSuffix(".num_batches_tracked") && !given.contains(key)
        {
            state.append((key, tensor))
        }
        try module.load(state)
    }
}

/// Recognition of weights by checksum, keys and shapes.
enum WeightsRecognition {
    /// Entry and SHA-256 of a file. Loads the network once to check all keys and shapes.
    static func recognize(_ path: String, as key: String?) throws -> (known: KnownWeights, sha256: String) {
        if let key, WeightsCatalog[key] == nil { throw WeightsCache.unknown(key) }
        let file = try WeightsFile(path: path)
        let sha256 = try Digest.sha256(file: path)
        let proven = WeightsCatalog.all.first { $0.isProven(by: sha256) }
        if let key, let proven, proven.key != key {
            throw WeightsError("\(path): the checksum is that of \(proven.key), not of \(key).")
        }
        let known = try key.flatMap { WeightsCatalog[$0] } ?? proven ?? find(file)
        guard known.isLike(file) else {
            let marks = known.marks.sorted { $0.key < $1.key }.map { key, shape in
                "\(key) \(shape), " + (file.shapes[key].map { "found \($0)" } ?? "not in the file")
            }
            throw WeightsError(
                "\(path): not the weights \(known.key): expected " + marks.joined(separator: "; "))
        }
        do {
            try FeatureNetworks.check(file, known)
        } catch let mismatch as StateMismatch {
            throw WeightsError("\(path): the file looks like \(known.key), but \(mismatch)")
        }
        return (known, sha256)
    }

    private static func find(_ file: WeightsFile) throws -> KnownWeights {
        let alike = WeightsCatalog.all.filter { $0.isLike(file) }
        if alike.count == 1 { return alike[0] }
        if alike.isEmpty {
            let some = file.shapes.sorted { $0.key < $1.key }.prefix(3).map { "\($0.key) \($0.value)" }
            throw WeightsError(
                "\(file.path): unknown weights. The file has \(file.shapes.count) tensors, such as "
                    + some.joined(separator: ", ") + "; searched for the keys and shapes of "
                    + WeightsCatalog.all.map(\.key).joined(separator: ", ") + ".")
        }
        let names = alike.map(\.key)
        throw WeightsError(
            "\(file.path): the file could be " + names.joined(separator: " or ")
                + ", which have the same keys and shapes but different input ranges. Select one: "
                + names.map { "--as \($0)" }.joined(separator: " or ") + ".")
    }
}
