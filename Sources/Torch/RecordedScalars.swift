/// Factor of a tensor: a number, or in recorded work a tensor [] whose value changes between replays.
public enum Factor {
    /// A number.
    case number(Double)
    /// Float tensor [] on the device of the computation.
    case tensor(Tensor)

    /// The product with a number.
    public func scaled(by number: Double) -> Factor {
        switch self {
        case .number(let value): .number(value * number)
        case .tensor(let value): .tensor(value * number)
        }
    }

    /// The same factor as a tensor of a type, so that a product keeps the type of its tensor.
    public func cast(to dtype: DType) -> Factor {
        switch self {
        case .number: self
        case .tensor(let value): .tensor(value.to(dtype))
        }
    }

    /// 1 minus the factor.
    public var complement: Factor {
        switch self {
        case .number(let value): .number(1 - value)
        case .tensor(let value): .tensor(1 - value)
        }
    }
}

extension Factor: ExpressibleByFloatLiteral {
    /// A number.
    public init(floatLiteral value: Double) { self = .number(value) }
}

extension Tensor {
    /// Product of a tensor of any shape and a factor.
    public static func * (tensor: Tensor, factor: Factor) -> Tensor {
        switch factor {
        case .number(let value): tensor * value
        case .tensor(let value): tensor * value
        }
    }

    /// Linear interpolation, self + weight * (other - self), of two tensors of one shape.
    public func lerp(
        _ other: Tensor, weight: Factor, file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        switch weight {
        case .number(let value): lerp(other, weight: value, file: file, line: line)
        case .tensor(let value): lerp(other, weight: value.to(dtype), file: file, line: line)
        }
    }
}

/// Numbers of recorded work that change between replays, such as a learning rate.
///
/// While work is recorded, `factor` returns tensors. `update` evaluates all numbers and writes them before a replay.
public final class RecordedScalars {
    /// Maximum number of scalars.
    public static let capacity = 2048

    private let values: StagedTensor
    private var sources: [() -> Double] = []

    /// Creates an empty list on a device.
    public init(on device: Device) {
        values = StagedTensor([Self.capacity], dtype: .float32, on: device)
    }

    /// A factor with the value of `source` at the time of each `update`; on the CPU, at once.
    public func factor(_ source: @escaping () -> Double) -> Factor {
        require(
            sources.count < Self.capacity, "RecordedScalars: expected at most \(Self.capacity) scalars")
        sources.append(source)
        if values.tensor.device == .cpu { update() }
        return .tensor(values.tensor.select(0, sources.count - 1))
    }

    /// Writes the current values to the device. Does not wait for it.
    public func update() {
        let numbers = sources.map { Float($0()) }
        let padded = numbers + [Float](repeating: 0, count: Self.capacity - numbers.count)
        padded.withUnsafeBytes { values.write($0) }
    }
}

/// Tensor that stays in place and that the host overwrites without waiting for the device.
///
/// A CUDA device copies from pinned memory of the host. Several slots alternate, so a slot is not overwritten while the
/// device copies from it. On the CPU, the tensor is written directly, without an operator.
public final class StagedTensor {
    /// Number of slots. After as many writes, the host waits for the device once.
    private static let slotCount = 16

    /// Tensor on the device, contiguous.
    public let tensor: Tensor
    private let slots: [Tensor]
    private var next = 0

    /// Creates a tensor of zeros.
    public init(_ shape: [Int], dtype: DType, on device: Device) {
        tensor = Tensor.zeros(shape, dtype: dtype, on: device)
        slots = (0..<(device == .cpu ? 0 : Self.slotCount)).map { _ in
            op("empty.memory_format", [shape], named: ["dtype": dtype, "pin_memory": true], #fileID, #line)
        }
    }

    /// Overwrites all elements with raw elements in row-major order. Traps if the byte count differs.
    public func write(_ bytes: UnsafeRawBufferPointer) {
        guard !slots.isEmpty else { return tensor.write(bytes) }
        if next == slots.count {
            Engine.synchronizeStream(of: tensor.device)
            next = 0
        }
        slots[next].write(bytes)
        withoutGradients { _ = op("copy_", [tensor, slots[next], true], #fileID, #line) }
        next += 1
    }
}
