import Files
import Torch
import TorchNN

/// A file of weights in either format, opened but not read: a PyTorch state dictionary or a safetensors file.
struct WeightsFile {
    let path: String
    /// By key.
    let shapes: [String: [Int]]
    private let isSafetensors: Bool

    /// - Throws: `FileError` if it is neither, or damaged.
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

    /// Fills a network; every key must be there, and no other.
    /// - Parameter known: says which keys belong to the network.
    /// - Throws: `StateMismatch` with all that is wrong; what reading throws.
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
        // Files from before PyTorch 1.0 have no counts of batches, which nothing computes with.
        let given = Set(state.map(\.key))
        for (key, tensor) in module.state where key.hasSuffix(".num_batches_tracked") && !given.contains(key)
        {
            state.append((key, tensor))
        }
        try module.load(state)
    }
}
