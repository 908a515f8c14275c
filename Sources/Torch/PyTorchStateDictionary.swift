import Files

/// State dictionaries that PyTorch's `torch.save` wrote, in either of its formats; reading runs no code.
public enum PyTorchStateDictionary {
    /// Reads every tensor to the CPU, in the file's order, under its key; keys of nested dictionaries are joined by dots.
    /// - Parameter isWanted: the keys to read; the others cost nothing.
    /// - Throws: `FileError` if the file is damaged, is of another format, or holds anything but tensors, containers,
    ///   numbers and texts; the error names it. `TorchError.outOfMemory`.
    public static func read(_ path: String, where isWanted: (String) -> Bool = { _ in true }) throws
        -> [(name: String, tensor: Tensor)]
    {
        let wanted = try PyTorchFile(path: path).tensors.filter { isWanted($0.name) }
        let dtypes = try wanted.map { try DType($0.tensor.dtype, of: $0.name, in: path) }
        return try recoveringFromOutOfMemory {
            try zip(wanted, dtypes).map { item, dtype in
                let bytes = try item.tensor.contiguousBytes()
                return (item.name, Tensor(bytes: bytes, shape: item.tensor.shape, dtype: dtype))
            }
        }
    }
}
