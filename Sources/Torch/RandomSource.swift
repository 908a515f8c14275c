import CTorch

/// Random number generator with a state that can be saved and restored.
///
/// On the CPU it is a Mersenne Twister: a seed produces the same numbers as `torch.Generator`. On CUDA it is the default
/// generator of the device (Philox), whose draws can be part of a `DeviceGraph`. Sources of one CUDA device share its state.
public final class RandomSource {
    let handle: ct_generator
    /// Device of the numbers.
    public let device: Device

    /// Creates a generator with a seed on the CPU.
    public convenience init(seed: UInt64) { self.init(seed: seed, on: .cpu) }

    /// Creates a generator on the CPU, or seeds the generator of a CUDA device.
    public init(seed: UInt64, on device: Device) {
        self.device = device
        switch device {
        case .cpu:
            var handle: ct_generator?
            check(api.generator_new(Int64(bitPattern: seed), &handle), "random source")
            self.handle = handle!
        case .cuda:
            device.seed(seed)
            handle = Self.defaultHandle(of: device)
        }
    }

    /// The default generator of a device.
    fileprivate init(defaultOf device: Device) {
        (handle, self.device) = (Self.defaultHandle(of: device), device)
    }

    private static func defaultHandle(of device: Device) -> ct_generator {
        var handle: ct_generator?
        check(api.device_generator(device.type, device.index, &handle), "random source of \(device)")
        return handle!
    }

    deinit { api.generator_free(handle) }

    /// Complete state of the generator, in libtorch's format for its device.
    public var state: [UInt8] {
        var out: ct_tensor?
        check(api.generator_state(handle, &out), "random state")
        return Tensor(handle: out).bytes()
    }

    /// Restores a state that `state` returned.
    /// - Throws: `TorchError.refused` if the bytes are not a generator state of this device and version of libtorch; the
    ///   state is then unchanged.
    public func restore(_ state: [UInt8]) throws(TorchError) {
        let tensor = Tensor(bytes: state, shape: [state.count], dtype: .uint8)
        let status = withExtendedLifetime(self) { tensor.withHandle { api.generator_set_state(handle, $0) } }
        if status != CT_OK { throw .refused("random state of \(state.count) bytes: \(lastError())") }
    }

    /// Seed that depends on all bytes (FNV-1a).
    package static func seed(from bytes: [UInt8]) -> UInt64 {
        bytes.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    }
}

extension Device {
    /// Seeds the default generator of the device, which operators without an explicit generator use.
    public func seed(_ seed: UInt64) {
        check(api.seed_device(type, index, Int64(bitPattern: seed)), "seed of \(self)")
    }

    /// State of the default generator of the device, in libtorch's format.
    public var randomState: [UInt8] { RandomSource(defaultOf: self).state }

    /// Restores the default generator of the device from `randomState`.
    /// - Throws: `TorchError.refused` if the bytes are not a generator state of this version of libtorch.
    public func restoreRandomState(_ state: [UInt8]) throws(TorchError) {
        try RandomSource(defaultOf: self).restore(state)
    }
}

// Creation of tensors. Random tensors are Float, come from an explicit generator, and are on its device.

extension Tensor {
    /// Tensor of zeros of the given shape.
    public static func zeros(
        _ shape: [Int], dtype: DType = .float32, on device: Device = .cpu, file: StaticString = #fileID,
        line: UInt = #line
    ) -> Tensor {
        op("zeros", [shape], named: ["dtype": dtype, "device": device], file, line)
    }

    /// Tensor of ones of the given shape.
    public static func ones(
        _ shape: [Int], dtype: DType = .float32, on device: Device = .cpu, file: StaticString = #fileID,
        line: UInt = #line
    ) -> Tensor {
        op("ones", [shape], named: ["dtype": dtype, "device": device], file, line)
    }

    /// Tensor of the given shape with one value in every element.
    public static func full(
        _ shape: [Int], _ value: Double, dtype: DType = .float32, on device: Device = .cpu,
        file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        op("full", [shape, value], named: ["dtype": dtype, "device": device], file, line)
    }

    /// Zeros with the shape, dtype, device and memory format of another tensor.
    public static func zeros(like other: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("zeros_like", [other], file, line)
    }

    /// Ones with the shape, dtype, device and memory format of another tensor.
    public static func ones(like other: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("ones_like", [other], file, line)
    }

    /// Integers 0..<count, Int64 [count].
    public static func range(
        _ count: Int, on device: Device = .cpu, file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        op("arange", [count], named: ["dtype": DType.int64, "device": device], file, line)
    }

    /// Identity matrix, Float [size, size].
    public static func identity(_ size: Int, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        op("eye", [size], named: ["dtype": DType.float32], file, line)
    }

    /// Standard normal random numbers N(0, 1) of the given shape, on the device of `random`.
    public static func normal(
        _ shape: [Int], random: RandomSource, file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        op(
            "randn.generator", [shape, random], named: ["dtype": DType.float32, "device": random.device],
            file,
            line)
    }

    /// Uniform random numbers in low..<high of the given shape, on the device of `random`.
    public static func uniform(
        _ shape: [Int], _ low: Double = 0, _ high: Double = 1, random: RandomSource,
        file: StaticString = #fileID,
        line: UInt = #line
    ) -> Tensor {
        let tensor = op(
            "empty.memory_format", [shape], named: ["dtype": DType.float32, "device": random.device], file,
            line)
        tensor.uniform_(low, high, random: random, file: file, line: line)
        return tensor
    }

    /// Fills a tensor of any shape with normal random numbers of this mean and standard deviation, in place.
    public func normal_(
        mean: Double = 0, deviation: Double = 1, random: RandomSource, file: StaticString = #fileID,
        line: UInt = #line
    ) {
        op("normal_", [self, mean, deviation, random], file, line)
    }

    /// Fills a tensor of any shape with uniform random numbers in low..<high, in place.
    public func uniform_(
        _ low: Double, _ high: Double, random: RandomSource, file: StaticString = #fileID, line: UInt = #line
    ) {
        op("uniform_", [self, low, high, random], file, line)
    }

    /// Random permutation of 0..<count, Int64 [count].
    public static func permutation(
        _ count: Int, random: RandomSource, file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        op(
            "randperm.generator", [count, random], named: ["dtype": DType.int64, "device": random.device],
            file,
            line)
    }
}
