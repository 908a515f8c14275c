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

    private let values: Tensor
    private let staging: PinnedBuffer
    private var sources: [() -> Double] = []

    /// Creates an empty list on a device.
    public init(on device: Device) {
        values = Tensor.zeros([Self.capacity], on: device)
        staging = PinnedBuffer([Self.capacity], dtype: .float32, for: device)
    }

    /// A factor with the value of `source` at the time of each `update`.
    /// - Parameters:
    ///   - source: the value.
    ///   - isImmediate: whether the factor has its value at once; only on the CPU.
    public func factor(_ source: @escaping () -> Double, isImmediate: Bool = false) -> Factor {
        require(
            sources.count < Self.capacity, "RecordedScalars: expected at most \(Self.capacity) scalars")
        sources.append(source)
        if isImmediate { write() }
        return .tensor(values.select(0, sources.count - 1))
    }

    /// Writes the current values to the device. Does not wait for it.
    public func update() { padded.withUnsafeBytes { staging.upload($0, to: values) } }

    /// Writes the current values to memory of the CPU, without an operator.
    private func write() { padded.withUnsafeBytes { values.write($0) } }

    private var padded: [Float] {
        let numbers = sources.map { Float($0()) }
        return numbers + [Float](repeating: 0, count: Self.capacity - numbers.count)
    }
}

/// Host memory from which a CUDA device copies without waiting of the host.
///
/// Several slots alternate, so a slot is not overwritten while the device copies from it.
public final class PinnedBuffer {
    /// Number of slots. After as many uploads, the host waits for the device once.
    private static let slotCount = 16

    private let device: Device
    private let slots: [Tensor]
    private var next = 0

    /// Creates buffers of a shape and type for copies to `device`. For the CPU, the memory is ordinary.
    public init(_ shape: [Int], dtype: DType, for device: Device) {
        self.device = device
        let isPinned = device != .cpu
        slots = (0..<(isPinned ? Self.slotCount : 1)).map { _ in
            op(
                "empty.memory_format", [shape], named: ["dtype": dtype, "pin_memory": isPinned], #fileID,
                #line)
        }
    }

    /// Copies bytes to `tensor`, which has the shape and type of this buffer and is contiguous.
    public func upload(_ bytes: UnsafeRawBufferPointer, to tensor: Tensor) {
        if next == slots.count {
            Engine.synchronizeStream(of: device)
            next = 0
        }
        let slot = slots[next]
        next += 1
        slot.write(bytes)
        withoutGradients { _ = op("copy_", [tensor, slot, true], #fileID, #line) }
    }
}
