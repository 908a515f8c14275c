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
