import CTorch

/// A stream of random numbers on the CPU whose state can be saved; the same on every device that the numbers move to.
public final class RandomSource {
    let handle: ct_generator

    /// Starts a stream (Mersenne twister).
    public init(seed: UInt64) {
        var handle: ct_generator?
        check(api.generator_new(Int64(bitPattern: seed), &handle), "random source")
        self.handle = handle!
    }

    deinit { api.generator_free(handle) }

    /// The whole state, as bytes.
    public var state: [UInt8] {
        var out: ct_tensor?
        check(api.generator_state(handle, &out), "random state")
        return Tensor(handle: out).bytes()
    }

    /// Continues from a saved state. Throws when the bytes are not a state of this engine's generator.
    public func restore(_ state: [UInt8]) throws(TorchError) {
        let tensor = Tensor(bytes: state, shape: [state.count], dtype: .uint8)
        let status = withExtendedLifetime(self) { tensor.withHandle { api.generator_set_state(handle, $0) } }
        if status != CT_OK { throw .refused("random state of \(state.count) bytes: \(lastError())") }
    }
}

extension Device {
    /// Seeds the device's own generator (dropout and other operators without an explicit source).
    public func seed(_ seed: UInt64) {
        check(api.seed_device(type, index, Int64(bitPattern: seed)), "seed of \(self)")
    }

    /// State of the device's own generator.
    public var randomState: [UInt8] {
        var out: ct_tensor?
        check(api.device_random_state(type, index, &out), "random state of \(self)")
        return Tensor(handle: out).bytes()
    }

    /// Continues the device's own generator from a saved state.
    public func restoreRandomState(_ state: [UInt8]) throws(TorchError) {
        let tensor = Tensor(bytes: state, shape: [state.count], dtype: .uint8)
        let status = tensor.withHandle { api.set_device_random_state(type, index, $0) }
        if status != CT_OK { throw .refused("random state of \(self): \(lastError())") }
    }
}

// Making tensors; random numbers come from an explicit source on the CPU.

extension Tensor {
    /// Zeros.
    public static func zeros(
        _ shape: [Int], dtype: DType = .float32, on device: Device = .cpu, file: StaticString = #fileID,
        line: UInt = #line
    ) -> Tensor {
        op("zeros", [shape], named: ["dtype": dtype, "device": device], file, line)
    }

    /// Ones.
    public static func ones(
        _ shape: [Int], dtype: DType = .float32, on device: Device = .cpu, file: StaticString = #fileID,
        line: UInt = #line
    ) -> Tensor {
        op("ones", [shape], named: ["dtype": dtype, "device": device], file, line)
    }

    /// One value everywhere.
    public static func full(
        _ shape: [Int], _ value: Double, dtype: DType = .float32, on device: Device = .cpu,
        file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        op("full", [shape, value], named: ["dtype": dtype, "device": device], file, line)
    }

    /// Zeros of another tensor's shape, type, place and memory format.
    public static func zeros(like other: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("zeros_like", [other], file, line)
    }

    /// Ones of another tensor's shape, type, place and memory format.
    public static func ones(like other: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("ones_like", [other], file, line)
    }

    /// Whole numbers 0..<count (Int64).
    public static func range(_ count: Int, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("arange", [count], named: ["dtype": DType.int64], file, line)
    }

    /// The identity matrix [size, size].
    public static func identity(_ size: Int, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("eye", [size], named: ["dtype": DType.float32], file, line)
    }

    /// N(0, 1).
    public static func normal(
        _ shape: [Int], random: RandomSource, file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        op("randn.generator", [shape, random], named: ["dtype": DType.float32], file, line)
    }

    /// Uniform in `low..<high`.
    public static func uniform(
        _ shape: [Int], _ low: Double = 0, _ high: Double = 1, random: RandomSource,
        file: StaticString = #fileID,
        line: UInt = #line
    ) -> Tensor {
        let tensor = op("empty.memory_format", [shape], named: ["dtype": DType.float32], file, line)
        tensor.uniform_(low, high, random: random, file: file, line: line)
        return tensor
    }

    /// Fills with N(mean, deviation) in place.
    public func normal_(
        mean: Double = 0, deviation: Double = 1, random: RandomSource, file: StaticString = #fileID,
        line: UInt = #line
    ) {
        op("normal_", [self, mean, deviation, random], file, line)
    }

    /// Fills with uniform numbers in `low..<high` in place.
    public func uniform_(
        _ low: Double, _ high: Double, random: RandomSource, file: StaticString = #fileID, line: UInt = #line
    ) {
        op("uniform_", [self, low, high, random], file, line)
    }

    /// A random order of 0..<count (Int64).
    public static func permutation(
        _ count: Int, random: RandomSource, file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        op("randperm.generator", [count, random], named: ["dtype": DType.int64], file, line)
    }
}
