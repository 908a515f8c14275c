import CTorch

/// A tensor of libtorch.
///
/// Has reference semantics, is used by one thread at a time, and is freed by ARC after its last use.
public final class Tensor {
    /// Handle of the C API, nil in a poisoned tensor. Valid while this object is alive.
    private(set) var handle: ct_tensor?

    /// Takes ownership of a handle; nil makes a poisoned tensor. The handle defines the shape.
    init(handle: ct_tensor?) { self.handle = handle }

    /// Transfers ownership of the handle to the caller. The tensor must not be used afterwards.
    func release() -> ct_tensor? {
        defer { handle = nil }
        return handle
    }

    deinit {
        if let handle { api.tensor_free(handle) }
    }

    // MARK: From the host

    /// Float tensor of the given shape from values in row-major order.
    public convenience init(_ values: [Float], shape: [Int], file: StaticString = #fileID, line: UInt = #line)
    {
        self.init(values: values, shape: shape, dtype: .float32, file: file, line: line)
    }

    /// Float tensor [values.count].
    public convenience init(_ values: [Float]) {
        self.init(values: values, shape: [values.count], dtype: .float32)
    }

    /// Int64 tensor from values in row-major order; the default shape is [values.count].
    public convenience init(
        _ values: [Int], shape: [Int]? = nil, file: StaticString = #fileID, line: UInt = #line
    ) {
        self.init(
            values: values.map(Int64.init), shape: shape ?? [values.count], dtype: .int64, file: file,
            line: line)
    }

    /// Double tensor from values in row-major order; the default shape is [values.count].
    public convenience init(
        doubles values: [Double], shape: [Int]? = nil, file: StaticString = #fileID, line: UInt = #line
    ) {
        self.init(values: values, shape: shape ?? [values.count], dtype: .float64, file: file, line: line)
    }

    /// Float scalar, shape [].
    public convenience init(_ value: Double, file: StaticString = #fileID, line: UInt = #line) {
        self.init(values: [Float(value)], shape: [], dtype: .float32, file: file, line: line)
    }

    /// Tensor of the given shape copied from raw elements, row-major, little-endian. Traps if the byte count differs.
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

    /// Tensor of the given shape copied from raw elements, row-major, little-endian. Traps if the byte count differs.
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
        HostTransfers.note("tensor of \(dtype)\(shape)", file, line)
        var handle: ct_tensor?
        let sizes = shape.map(Int64.init)
        check(
            api.from_bytes(
                bytes.baseAddress, Int64(bytes.count), sizes, Int32(sizes.count), dtype.rawValue, &handle),
            "tensor of \(dtype)\(shape)", file: file, line: line)
        return handle
    }

    // MARK: Properties

    /// Whether this tensor was not computed for lack of memory; see `recoveringFromOutOfMemory`.
    public var isPoisoned: Bool { handle == nil }

    /// Calls `body` with the handle and keeps the tensor alive during the call; nil if poisoned.
    @discardableResult
    func withHandle<Result>(_ body: (ct_tensor) -> Result) -> Result? {
        withExtendedLifetime(self) { handle.map(body) }
    }

    /// Size of each dimension.
    public var shape: [Int] { dimensions(api.sizes) ?? [1, 1, 1, 1] }

    /// Distance in elements between neighbors along each dimension.
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

    /// Device that holds the elements.
    public var device: Device {
        withHandle { handle in
            var index: Int32 = 0
            let type = api.device(handle, &index)
            return Device(type: type, index: index)
        } ?? .cpu
    }

    /// Whether the elements are dense in memory in the order of `format`.
    public func isContiguous(_ format: MemoryFormat = .contiguous) -> Bool {
        withHandle { api.is_contiguous($0, format.rawValue) } ?? true
    }

    // MARK: To the host
    //
    // Reading waits until the device has computed the tensor.

    /// Raw elements in row-major order, little-endian.
    public func bytes() -> [UInt8] {
        isPoisoned ? [0, 0, 0xC0, 0x7F] : read(count * dtype.byteCount, "bytes")
    }

    /// Elements converted to Float, in row-major order.
    public func floats() -> [Float] {
        let source = detached().to(.float32)
        return source.isPoisoned ? [.nan] : source.read(source.count, "floats")
    }

    /// Elements converted to Double, in row-major order.
    public func doubles() -> [Double] {
        let source = detached().to(.float64)
        return source.isPoisoned ? [.nan] : source.read(source.count, "doubles")
    }

    /// Elements converted to integers, in row-major order. Fractions are truncated.
    public func integers() -> [Int] {
        let source = to(.int64)
        return source.isPoisoned ? [0] : (source.read(source.count, "integers") as [Int64]).map(Int.init)
    }

    /// Value of a tensor with one element. Traps for other shapes; NaN for a poisoned tensor.
    public func item(file: StaticString = #fileID, line: UInt = #line) -> Double {
        require(count == 1, "item: expected one element, got \(summary)", file: file, line: line)
        let source = detached().to(.float64)
        return source.isPoisoned ? .nan : (source.read(1, "item") as [Double])[0]
    }

    /// Copies `count` elements of type `Element`, which must match the dtype, to the host.
    private func read<Element>(_ count: Int, _ what: String) -> [Element] {
        HostTransfers.note("\(what) of \(summary)", #fileID, #line)
        return [Element](unsafeUninitializedCapacity: count) { buffer, written in
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

    /// Calls `body` with the memory of the elements, without a copy.
    ///
    /// Traps unless the tensor is contiguous and on the CPU.
    /// - Throws: the error that `body` throws.
    public func withBytes<Result>(
        file: StaticString = #fileID, line: UInt = #line, _ body: (UnsafeRawBufferPointer) throws -> Result
    ) rethrows -> Result {
        require(
            isContiguous() && device == .cpu,
            "withBytes: expected a contiguous tensor on the CPU, got \(summary)",
            file: file, line: line)
        return try withExtendedLifetime(self) {
            guard let handle else { return try bytes().withUnsafeBytes(body) }
            return try body(
                UnsafeRawBufferPointer(start: api.data(handle), count: count * dtype.byteCount))
        }
    }

    /// Overwrites the elements of a contiguous tensor on the CPU with raw elements. Traps if the byte count differs.
    func write(_ bytes: UnsafeRawBufferPointer) {
        require(
            isContiguous() && device == .cpu && bytes.count == count * dtype.byteCount,
            "write: expected \(bytes.count) bytes of a contiguous tensor on the CPU, got \(summary)")
        withHandle { handle in
            if let memory = api.data(handle), let source = bytes.baseAddress {
                memory.copyMemory(from: source, byteCount: bytes.count)
            }
        }
    }

    /// Dtype, shape and device, such as "Float[64, 3, 64, 64]" or "Float[2]@cuda:0".
    public var summary: String {
        isPoisoned
            ? "(no memory)" : "\(dtype)\(shape)" + (device == .cpu ? "" : "@\(device)")
    }
}

extension Tensor: CustomStringConvertible {
    /// The summary, followed by the values if there are at most 16.
    public var description: String {
        guard !isPoisoned, count <= 16 else { return summary }
        return "\(summary) \(dtype.isFloatingPoint ? "\(floats())" : "\(integers())")"
    }
}
