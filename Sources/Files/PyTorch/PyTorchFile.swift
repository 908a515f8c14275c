/// A state dictionary that PyTorch's `torch.save` wrote, in the zip format or in the one from before 1.6.
///
/// Reading runs no code: a restricted pickle machine builds tensors, dictionaries, lists, numbers and texts, and any
/// other Python object is refused by its name. Every range is checked when the file is opened, the checksums of the
/// zip format too; the old format has none.
public struct PyTorchFile: Sendable {
    public let path: String
    /// The tensors in the file's order, named by their keys. Names of nested dictionaries and lists are joined by
    /// dots: `optimizer.state.0.exp_avg`. A file that holds one tensor alone calls it `tensor`.
    public let tensors: [(name: String, tensor: Record)]
    /// Numbers and texts beside the tensors, named alike.
    public let scalars: [String: Scalar]
    private let index: [String: Int]

    /// - Throws: `FileError` if the file is damaged, was written on a big-endian machine, holds other objects than
    ///   those above, or is no PyTorch file.
    public init(path: String) throws {
        self.path = path
        let file = try MappedFile(path: path)
        let isZip = try file.count >= 4 && file.withBytes(0..<4) { $0.u32(0) == 0x0403_4B50 }
        let content = try isZip ? Self.readZip(path: path) : Self.readLegacy(file)
        var flattener = PyTorchFlattener(content, path: path)
        try flattener.flatten()
        tensors = flattener.tensors
        scalars = flattener.scalars
        index = Dictionary(uniqueKeysWithValues: flattener.tensors.enumerated().map { ($1.name, $0) })
    }

    /// The tensor of that name, if there is one.
    public subscript(name: String) -> Record? { index[name].map { tensors[$0].tensor } }

    /// What either format comes to.
    struct Content {
        let root: PickleValue
        let containers: [PickleContainer]
        let tensors: [PickleTensor]
        let storages: [PickleStorage]
        /// One for each storage.
        let sources: [Source]

        init(root: PickleValue, machine: PickleMachine, sources: [Source]) {
            self.root = root
            containers = machine.containers
            tensors = machine.tensors
            storages = machine.storages
            self.sources = sources
        }
    }
}
