extension PyTorchFile {
    /// A tensor in the file: where its numbers are and how they lie.
    public struct Record: Sendable {
        public let dtype: ElementType
        /// The sides, slowest first; empty for a single number.
        public let shape: [Int]
        /// The step from one number to the next along each side, in numbers.
        public let strides: [Int]
        /// Where the first number stands in the storage, in numbers.
        public let storageOffset: Int
        let storage: Source

        /// The size when contiguous.
        public var byteCount: Int { dtype.byteCount(shape: shape) ?? 0 }

        /// The numbers: little-endian, contiguous, row by row; truth values as 0 and 1.
        /// - Throws: `FileError` if the file cannot be read.
        public func contiguousBytes() throws -> [UInt8] {
            guard byteCount > 0 else { return [] }
            var bytes =
                switch storage {
                case .mapped(let file, let range): try file.withBytes(range) { gather($0) }
                case .packed(let archive, let entry): try archive.read(entry).withUnsafeBytes { gather($0) }
                }
            if dtype == .bool { for i in bytes.indices where bytes[i] > 1 { bytes[i] = 1 } }
            return bytes
        }

        private func gather(_ source: UnsafeRawBufferPointer) -> [UInt8] {
            let size = dtype.byteCount
            // Proven when the file was opened; a storage shorter than that must not be read.
            let reach = zip(shape, strides).reduce(storageOffset) { $0 + ($1.0 - 1) * $1.1 }
            precondition((reach + 1) * size <= source.count, "PyTorchFile: a tensor ends after its storage")
            if isContiguous { return Array(source[storageOffset * size..<storageOffset * size + byteCount]) }
            let (row, step) = (shape.last ?? 1, strides.last ?? 1)
            return [UInt8](unsafeUninitializedCapacity: byteCount) { result, count in
                let target = UnsafeMutableRawPointer(result.baseAddress!)
                var index = [Int](repeating: 0, count: max(shape.count - 1, 0))
                var start = storageOffset
                while count < byteCount {
                    for column in 0..<row {
                        let from = source.baseAddress! + (start + column * step) * size
                        (target + count).copyMemory(from: from, byteCount: size)
                        count += size
                    }
                    // The next row: count up from the last but one side.
                    for axis in index.indices.reversed() {
                        index[axis] += 1
                        start += strides[axis]
                        if index[axis] < shape[axis] { break }
                        start -= strides[axis] * shape[axis]
                        index[axis] = 0
                    }
                }
            }
        }

        private var isContiguous: Bool {
            var expected = 1
            for (side, stride) in zip(shape, strides).reversed() where side != 1 {
                guard stride == expected else { return false }
                expected *= side
            }
            return true
        }
    }

    /// Where a storage's bytes are.
    enum Source: Sendable {
        case mapped(MappedFile, Range<Int>)
        case packed(ZipArchive, ZipArchive.Entry)
    }

    /// A number or text beside the tensors.
    public enum Scalar: Sendable, Equatable {
        case bool(Bool)
        case integer(Int)
        case real(Double)
        case text(String)
    }
}
