import CTorch

/// A tensor of libtorch: reference semantics, one thread at a time, freed by ARC at its last use.
public final class Tensor {
    /// Null in a tensor that an out-of-memory failure poisoned. Its owner must outlive every use.
    private(set) var handle: ct_tensor?

    /// Takes ownership of a handle.
    init(handle: ct_tensor?) { self.handle = handle }

    /// Hands the handle to another owner; the tensor is of no use afterwards.
    func release() -> ct_tensor? {
        defer { handle = nil }
        return handle
    }

    deinit {
        if let handle { api.tensor_free(handle) }
    }

    // MARK: From the host

    /// A tensor of shape `shape` from values in row-major order.
    public convenience init(_ values: [Float], shape: [Int], file: StaticString = #fileID, line: UInt = #line)
    {
        self.init(values: values, shape: shape, dtype: .float32, file: file, line: line)
    }

    /// A tensor of one dimension.
    public convenience init(_ values: [Float]) {
        self.init(values: values, shape: [values.count], dtype: .float32)
    }

    /// Whole numbers, one dimension unless `shape` says otherwise.
    public convenience init(
        _ values: [Int], shape: [Int]? = nil, file: StaticString = #fileID, line: UInt = #line
    ) {
        self.init(
            values: values.map(Int64.init), shape: shape ?? [values.count], dtype: .int64, file: file,
            line: line)
    }

    /// Double-precision numbers, one dimension unless `shape` says otherwise.
    public convenience init(
        doubles values: [Double], shape: [Int]? = nil, file: StaticString = #fileID, line: UInt = #line
    ) {
        self.init(values: values, shape: shape ?? [values.count], dtype: .float64, file: file, line: line)
    }

    /// A scalar, shape [].
    public convenience init(_ value: Double, file: StaticString = #fileID, line: UInt = #line) {
        self.init(values: [Float(value)], shape: [], dtype: .float32, file: file, line: line)
    }

    /// Copies raw elements, row-major, little-endian.
    public convenience init(
        bytes: [UInt8], shape: [Int], dtype: DType, file: StaticString = #fileID, line: UInt = #line
    ) {
        self.init(values: bytes, shape: shape, dtype: dtype, file: file, line: line)
    }

    private convenience init<Element>(
        values: [Element], shape: [Int], dtype: DType, file: StaticString = #fileID, line: UInt = #line
    ) {
        self.init(
            handle: values.withUnsafeBytes {
                Self.copy($0, shape: shape, dtype: dtype, file: file, line: line)
            })
    }

    /// Copies raw elements, row-major, little-endian.
    public convenience init(
        copying bytes: UnsafeRawBufferPointer, shape: [Int], dtype: DType, file: StaticString = #fileID,
        line: UInt = #line
    ) {
        self.init(handle: Self.copy(bytes, shape: shape, dtype: dtype, file: file, line: line))
    }

    private static func copy(
        _ bytes: UnsafeRawBufferPointer, shape: [Int], dtype: DType, file: StaticString, line: UInt
    ) -> ct_tensor? {
        if RecoveryScope.hasFailed { return nil }
        var handle: ct_tensor?
        let sizes = shape.map(Int64.init)
        check(
            api.from_bytes(
                bytes.baseAddress, Int64(bytes.count), sizes, Int32(sizes.count), dtype.rawValue, &handle),
            "tensor of \(dtype)\(shape)", file: file, line: line)
        return handle
    }

    // MARK: Properties

    /// Whether there was no memory to compute this tensor; see `recoveringFromOutOfMemory`.
    public var isPoisoned: Bool { handle == nil }

    /// Gives `body` the handle and keeps it alive meanwhile; nil if poisoned.
    @discardableResult
    func withHandle<Result>(_ body: (ct_tensor) -> Result) -> Result? {
        withExtendedLifetime(self) { handle.map(body) }
    }

    /// Sizes of the dimensions.
    public var shape: [Int] { dimensions(api.sizes) ?? [1, 1, 1, 1] }

    /// Elements between neighbors along each dimension.
    public var strides: [Int] { dimensions(api.strides) ?? [1, 1, 1, 1] }

    private func dimensions(_ values: (ct_tensor) -> UnsafePointer<Int64>?) -> [Int]? {
        withHandle { handle in
            let buffer = UnsafeBufferPointer(start: values(handle), count: Int(api.dimensions(handle)))
            return buffer.map(Int.init)
        }
    }

    /// Number of dimensions.
    public var rank: Int { withHandle { Int(api.dimensions($0)) } ?? 4 }

    /// Number of elements.
    public var count: Int { withHandle { Int(api.element_count($0)) } ?? 1 }

    /// Type of the elements.
    public var dtype: DType {
        guard let raw = withHandle({ api.dtype($0) }) else { return .float32 }
        guard let dtype = DType(rawValue: raw) else { fatalError("tensor of an unknown type \(raw)") }
        return dtype
    }

    /// Where the elements live.
    public var device: Device {
        withHandle { handle in
            var index: Int32 = 0
            let type = api.device(handle, &index)
            return Device(type: type, index: index)
        } ?? .cpu
    }

    /// Whether the elements lie densely in the order of `format`.
    public func isContiguous(_ format: MemoryFormat = .contiguous) -> Bool {
        withHandle { api.is_contiguous($0, format.rawValue) } ?? true
    }

    // MARK: To the host; waits for the device

    /// The raw elements, row-major.
    public func bytes() -> [UInt8] {
        isPoisoned ? [0, 0, 0xC0, 0x7F] : read(count * dtype.byteCount, "bytes")
    }

    /// The elements as floats, row-major.
    public func floats() -> [Float] {
        let source = detached().to(.float32)
        return source.isPoisoned ? [.nan] : source.read(source.count, "floats")
    }

    /// The elements as double-precision numbers, row-major.
    public func doubles() -> [Double] {
        let source = detached().to(.float64)
        return source.isPoisoned ? [.nan] : source.read(source.count, "doubles")
    }

    /// The elements as whole numbers, row-major.
    public func integers() -> [Int] {
        let source = to(.int64)
        return source.isPoisoned ? [0] : (source.read(source.count, "integers") as [Int64]).map(Int.init)
    }

    /// The value of a tensor of one element. NaN in a poisoned tensor.
    public func item(file: StaticString = #fileID, line: UInt = #line) -> Double {
        require(count == 1, "item: expected one element, got \(summary)", file: file, line: line)
        let source = detached().to(.float64)
        return source.isPoisoned ? .nan : (source.read(1, "item") as [Double])[0]
    }

    /// - Parameter count: of elements of the type that the tensor has.
    private func read<Element>(_ count: Int, _ what: String) -> [Element] {
        [Element](unsafeUninitializedCapacity: count) { buffer, written in
            let size = count * MemoryLayout<Element>.stride
            let read = withHandle { handle in
                check(api.to_bytes(handle, buffer.baseAddress, Int64(size)), "\(what) of \(summary)")
            }
            if read != true {
                UnsafeMutableRawBufferPointer(buffer).initializeMemory(as: UInt8.self, repeating: 0)
            }
            written = count
        }
    }

    /// Reads the elements in place; the tensor must be on the CPU and contiguous.
    public func withBytes<Result>(
        file: StaticString = #fileID, line: UInt = #line, _ body: (UnsafeRawBufferPointer) throws -> Result
    ) rethrows -> Result {
        require(
            isContiguous() && device == .cpu, "withBytes: \(summary) is not contiguous on the CPU",
            file: file, line: line)
        return try withExtendedLifetime(self) {
            guard let handle else { return try bytes().withUnsafeBytes(body) }
            return try body(
                UnsafeRawBufferPointer(start: api.data(handle), count: count * dtype.byteCount))
        }
    }

    /// Type, shape and place, such as "Float[64, 3, 64, 64]".
    public var summary: String {
        isPoisoned
            ? "(no memory)" : "\(dtype)\(shape)" + (device == .cpu ? "" : "@\(device)")
    }
}

extension Tensor: CustomStringConvertible {
    /// The summary and, of a small tensor, its values.
    public var description: String {
        guard !isPoisoned, count <= 16 else { return summary }
        return "\(summary) \(dtype.isFloatingPoint ? "\(floats())" : "\(integers())")"
    }
}
