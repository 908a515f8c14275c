import CTorch

/// A tensor of libtorch: reference semantics, one thread at a time, freed by ARC at its last use.
public final class Tensor {
    /// Null in a tensor that an out-of-memory failure poisoned.
    let handle: ct_tensor?

    init(owning handle: ct_tensor) { self.handle = handle }
    init(poisoned: ()) { handle = nil }

    deinit {
        if let handle { api.tensor_free(handle) }
    }

    // MARK: From the host

    /// A tensor of shape `shape` from values in row-major order.
    public convenience init(_ values: [Float], shape: [Int], file: StaticString = #fileID, line: UInt = #line)
    {
        self.init(
            bytes: values.withUnsafeBytes { Array($0) }, shape: shape, dtype: .float32, file: file, line: line
        )
    }

    /// A tensor of one dimension.
    public convenience init(_ values: [Float]) { self.init(values, shape: [values.count]) }

    /// Whole numbers, one dimension unless `shape` says otherwise.
    public convenience init(
        _ values: [Int], shape: [Int]? = nil, file: StaticString = #fileID, line: UInt = #line
    ) {
        self.init(
            bytes: values.map(Int64.init).withUnsafeBytes { Array($0) }, shape: shape ?? [values.count],
            dtype: .int64,
            file: file, line: line)
    }

    /// A scalar, shape [].
    public convenience init(_ value: Double, dtype: DType = .float32) {
        self.init(owning: Tensor.full([], value, dtype: dtype).retainedHandle())
    }

    /// Copies raw elements, row-major, little-endian.
    public convenience init(
        bytes: [UInt8], shape: [Int], dtype: DType, file: StaticString = #fileID, line: UInt = #line
    ) {
        self.init(
            owning: bytes.withUnsafeBytes {
                Tensor.copy($0, shape: shape, dtype: dtype, file: file, line: line)
            })
    }

    /// Copies raw elements, row-major, little-endian.
    public convenience init(
        copying bytes: UnsafeRawBufferPointer, shape: [Int], dtype: DType, file: StaticString = #fileID,
        line: UInt = #line
    ) {
        self.init(owning: Tensor.copy(bytes, shape: shape, dtype: dtype, file: file, line: line))
    }

    private static func copy(
        _ bytes: UnsafeRawBufferPointer, shape: [Int], dtype: DType, file: StaticString, line: UInt
    ) -> ct_tensor {
        var handle: ct_tensor?
        let sizes = shape.map(Int64.init)
        check(
            api.from_bytes(
                bytes.baseAddress, Int64(bytes.count), sizes, Int32(sizes.count), dtype.rawValue, &handle),
            "tensor of shape \(shape)", file: file, line: line)
        return handle!
    }

    func retainedHandle() -> ct_tensor { api.tensor_retain(handle!)! }

    // MARK: Properties

    /// Whether an out-of-memory failure kept this tensor from being computed; see `recoveringFromOutOfMemory`.
    public var isPoisoned: Bool { handle == nil }

    /// Sizes of the dimensions.
    public var shape: [Int] {
        guard let handle else { return [] }
        let count = Int(api.dimensions(handle))
        guard count > 0, let sizes = api.sizes(handle) else { return [] }
        return withExtendedLifetime(self) { (0..<count).map { Int(sizes[$0]) } }
    }

    /// Elements between neighbours along each dimension.
    public var strides: [Int] {
        guard let handle else { return [] }
        let count = Int(api.dimensions(handle))
        guard count > 0, let strides = api.strides(handle) else { return [] }
        return withExtendedLifetime(self) { (0..<count).map { Int(strides[$0]) } }
    }

    /// Number of dimensions.
    public var rank: Int { handle.map { Int(api.dimensions($0)) } ?? 0 }

    /// Number of elements.
    public var count: Int { handle.map { Int(api.element_count($0)) } ?? 0 }

    /// Type of the elements.
    public var dtype: DType {
        guard let handle else { return .float32 }
        let raw = api.dtype(handle)
        guard let dtype = DType(rawValue: raw) else { fatalError("tensor of an unknown type \(raw)") }
        return dtype
    }

    /// Where the elements live.
    public var device: Device {
        guard let handle else { return .cpu }
        var index: Int32 = 0
        let type = api.device(handle, &index)
        return Device(type: type, index: index)
    }

    /// Whether the elements lie densely in the order of `format`.
    public func isContiguous(_ format: MemoryFormat = .contiguous) -> Bool {
        handle.map { api.is_contiguous($0, format.rawValue) } ?? true
    }

    // MARK: To the host

    /// The raw elements, row-major.
    public func bytes() -> [UInt8] {
        guard let handle else { return [] }
        return [UInt8](unsafeUninitializedCapacity: count * dtype.byteCount) { buffer, written in
            check(
                api.to_bytes(handle, buffer.baseAddress, Int64(count * dtype.byteCount)),
                "bytes of \(summary)")
            written = count * dtype.byteCount
        }
    }

    /// The elements as floats, row-major.
    public func floats() -> [Float] {
        let source = dtype == .float32 ? self : to(.float32)
        guard let handle = source.handle else { return [] }
        return [Float](unsafeUninitializedCapacity: source.count) { buffer, written in
            check(api.to_bytes(handle, buffer.baseAddress, Int64(source.count * 4)), "floats of \(summary)")
            written = source.count
        }
    }

    /// The elements as whole numbers, row-major.
    public func integers() -> [Int] {
        let source = dtype == .int64 ? self : to(.int64)
        guard let handle = source.handle else { return [] }
        let values = [Int64](unsafeUninitializedCapacity: source.count) { buffer, written in
            check(api.to_bytes(handle, buffer.baseAddress, Int64(source.count * 8)), "integers of \(summary)")
            written = source.count
        }
        return values.map(Int.init)
    }

    /// The value of a tensor of one element; waits for the device. NaN in a poisoned tensor.
    public func item(file: StaticString = #fileID, line: UInt = #line) -> Double {
        guard let handle else { return .nan }
        precondition(count == 1, "item: expected one element, got \(summary)", file: file, line: line)
        let source = dtype == .float64 ? self : to(.float64)
        var value = 0.0
        check(api.to_bytes(source.handle ?? handle, &value, 8), "item of \(summary)", file: file, line: line)
        return value
    }

    /// Reads the elements in place; the tensor must be on the CPU and contiguous.
    public func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        precondition(isContiguous() && device == .cpu, "withBytes: \(summary) is not contiguous on the CPU")
        return try withExtendedLifetime(self) {
            try body(
                UnsafeRawBufferPointer(start: handle.flatMap { api.data($0) }, count: count * dtype.byteCount)
            )
        }
    }

    /// Type, shape and place, such as "Float[64, 3, 64, 64]".
    public var summary: String {
        handle == nil
            ? "(no memory)" : "\(dtype)\(shape)" + (device == .cpu ? "" : "@\(device)")
    }
}

extension Tensor: CustomStringConvertible {
    /// The summary and, of a small tensor, its values.
    public var description: String {
        guard handle != nil, count <= 16 else { return summary }
        return "\(summary) \(dtype.isFloatingPoint ? "\(detached().floats())" : "\(integers())")"
    }
}
