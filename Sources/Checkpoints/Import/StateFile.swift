import Files
import Torch

/// File of weights: a PyTorch checkpoint or a safetensors file. Tensors are read on demand.
struct StateFile {
    /// A tensor in the file.
    struct Entry {
        /// Name in the file; keys of nested dictionaries are joined by dots.
        let name: String
        /// Dimensions.
        let shape: [Int]
    }

    /// Path of the file.
    let path: String
    /// Tensors, in the order of the file. Those of a safetensors file, which are not stored in the order of the layers, are
    /// in the natural order of their names.
    let entries: [Entry]
    /// Names of nested dictionaries.
    let containers: [String]
    private let content: Content

    private enum Content {
        case pytorch(PyTorchFile)
        case safetensors(TensorFile)
    }

    /// Opens a file. Its format is found by its content.
    /// - Throws: `FileError` for a damaged file or another format; `CheckpointError` for a model of this program.
    init(path: String) throws {
        self.path = path
        // A damaged file with this extension gets the error of its own reader.
        let kind = try FileKind.detect(path: path)
        let isNamed = path.lowercased().hasSuffix(".safetensors")
        if kind == .safetensors || isNamed && kind != .zip && kind != .pickle {
            let file = try TensorFile(path: path)
            if let format = file.metadata["format"], format.hasPrefix("facegan ") {
                throw CheckpointError(
                    "\(path): already a model of FaceGAN; use it directly, such as with `facegan generate \(path)`"
                )
            }
            entries = file.names.map { Entry(name: $0, shape: file.shape(of: $0) ?? []) }
                .sorted { NaturalOrder.precedes($0.name, $1.name) }
            (content, containers) = (.safetensors(file), [])
        } else {
            let file = try PyTorchFile(path: path)
            entries = file.tensors.map { Entry(name: $0.name, shape: $0.tensor.shape) }
            (content, containers) = (.pytorch(file), file.containers)
        }
    }

    /// Number in the file; nil if there is none with this name.
    func number(_ name: String) -> Double? {
        guard case .pytorch(let file) = content else { return nil }
        switch file.scalars[name] {
        case .integer(let value): return Double(value)
        case .real(let value): return value
        default: return nil
        }
    }

    /// Reads tensors to the CPU.
    /// - Throws: `FileError`, `TorchError.outOfMemory`.
    func read(_ names: Set<String>) throws -> [String: Tensor] {
        let pairs: [(String, Tensor)] =
            switch content {
            case .pytorch(let file):
                try PyTorchStateDictionary.read(file, where: names.contains).map { ($0.name, $0.tensor) }
            case .safetensors(let file):
                try names.compactMap { name in try file.tensor(name).map { (name, $0) } }
            }
        return Dictionary(pairs, uniquingKeysWith: { first, _ in first })
    }
}

/// Order of names in which numbers are compared by their values: `main.9` precedes `main.10`.
enum NaturalOrder {
    static func precedes(_ a: String, _ b: String) -> Bool {
        let (x, y) = (parts(a), parts(b))
        for (left, right) in zip(x, y) where left != right {
            switch (left, right) {
            case (.number(let left), .number(let right)):
                // Longer digits are larger; leading zeros were removed.
                return left.count != right.count
                    ? left.count < right.count : left.lexicographicallyPrecedes(right)
            case (.number, .text): return true
            case (.text, .number): return false
            case (.text(let left), .text(let right)): return left.lexicographicallyPrecedes(right)
            }
        }
        return x.count != y.count ? x.count < y.count : a < b
    }

    private enum Part: Equatable {
        case number([UInt8])
        case text([UInt8])
    }

    private static func parts(_ name: String) -> [Part] {
        var result: [Part] = []
        var run: [UInt8] = []
        var isNumber = false
        func finish() {
            guard !run.isEmpty else { return }
            result.append(isNumber ? .number(Array(run.drop { $0 == 0x30 })) : .text(run))
        }
        for byte in name.utf8 {
            let isDigit = (0x30...0x39).contains(byte)
            if isDigit != isNumber {
                finish()
                (run, isNumber) = ([], isDigit)
            }
            run.append(byte)
        }
        finish()
        return result
    }
}
