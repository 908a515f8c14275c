/// A reproducible stream of random numbers, identified by three integers. The same identifiers give the same numbers
/// on every machine and with every version of Swift.
///
/// The generator is SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014). Its
/// state is a hash of the identifiers, so creating a stream takes a few nanoseconds and no state needs to be saved.
///
///     var random = RandomStream(seed: 7, stream: 1, index: 42)
///     let angle = random.uniform(in: -10...10)
public struct RandomStream: RandomNumberGenerator, Sendable, Equatable {
    private var state: UInt64

    /// Creates a stream.
    /// - Parameters:
    ///   - seed: seed of the run.
    ///   - stream: purpose of the numbers; streams with the same seed are independent.
    ///   - index: the item (picture, epoch or sample position) that the numbers belong to.
    public init(seed: UInt64, stream: UInt64 = 0, index: UInt64 = 0) {
        var key = RandomStream.mix(seed &+ 0x9E37_79B9_7F4A_7C15)
        key = RandomStream.mix(key ^ (stream &* 0xD1B5_4A32_D192_ED03 &+ 0x8CB9_2BA7_2F3D_8DD7))
        state = RandomStream.mix(key ^ (index &* 0xABC9_8388_FB8F_AC03 &+ 0x2545_F491_4F6C_DD1D))
    }

    /// Returns the next 64 random bits.
    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        return RandomStream.mix(state)
    }

    /// Returns a number in 0..<1, a multiple of 2^-24.
    public mutating func uniform() -> Float {
        Float(next() >> 40) * 0x1p-24
    }

    /// Returns a number in `range`.
    public mutating func uniform(in range: ClosedRange<Float>) -> Float {
        range.lowerBound + (range.upperBound - range.lowerBound) * uniform()
    }

    /// Returns a uniformly distributed integer in 0..<`bound`.
    public mutating func integer(below bound: Int) -> Int {
        precondition(bound > 0, "RandomStream.integer: expected a bound above 0, got \(bound)")
        // Lemire, "Fast random integer generation in an interval", 2019: rejects the few values that cause bias.
        let width = UInt64(bound)
        var product = next().multipliedFullWidth(by: width)
        if product.low < width {
            let threshold = (0 &- width) % width
            while product.low < threshold { product = next().multipliedFullWidth(by: width) }
        }
        return Int(product.high)
    }

    /// Returns true with the given probability (0...1).
    public mutating func chance(_ probability: Float) -> Bool {
        uniform() < probability
    }

    /// Returns the integers 0..<`count` in random order (Fisher-Yates).
    public mutating func permutation(_ count: Int) -> [UInt32] {
        var order = [UInt32](unsafeUninitializedCapacity: count) { buffer, initialized in
            for i in 0..<count { buffer[i] = UInt32(truncatingIfNeeded: i) }
            initialized = count
        }
        // `shuffle(using:)` is not used because its algorithm can change between versions of Swift.
        order.withUnsafeMutableBufferPointer { order in
            var i = count - 1
            while i > 0 {
                let j = integer(below: i + 1)
                let kept = order[i]
                order[i] = order[j]
                order[j] = kept
                i -= 1
            }
        }
        return order
    }

    private static func mix(_ value: UInt64) -> UInt64 {
        var z = value
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
