/// Breaks files on purpose, the same way every time for the same seed.
///
/// A mutation is one to four small damages: flipped bits, replaced bytes, truncation, deleted, repeated, moved or
/// zeroed stretches, and edits of whatever looks like a length field or a decimal number.
public struct Mutator: Sendable {
    private var state: UInt64

    public init(seed: UInt64) { state = seed }

    /// A damaged copy of `bytes`; now and then it equals the original.
    /// - Parameter donors: other files of the same kind; stretches of them are spliced in.
    public mutating func mutate(_ bytes: [UInt8], donors: [[UInt8]] = []) -> [UInt8] {
        var result = bytes
        for _ in 0..<(1 + below(4)) where !result.isEmpty { damage(&result, donors) }
        return result
    }

    /// The next number of the generator (SplitMix64).
    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// A number in 0..<`count`.
    public mutating func below(_ count: Int) -> Int { Int(next() % UInt64(max(1, count))) }

    private mutating func damage(_ bytes: inout [UInt8], _ donors: [[UInt8]]) {
        switch below(12) {
        case 0, 1: bytes[place(bytes)] ^= 1 << UInt8(below(8))
        case 2: bytes[place(bytes)] = UInt8(truncatingIfNeeded: next())
        case 3: bytes.removeLast(below(3) == 0 ? below(bytes.count) : min(bytes.count, 1 + below(64)))
        case 4: bytes.removeSubrange(stretch(bytes))
        case 5:
            let copy = Array(bytes[stretch(bytes)])
            bytes.insert(contentsOf: copy, at: below(bytes.count + 1))
        case 6:
            let copy = Array(bytes[stretch(bytes)])
            for (target, byte) in zip(place(bytes)..., copy) where target < bytes.count {
                bytes[target] = byte
            }
        case 7: for i in stretch(bytes) { bytes[i] = 0 }
        case 8, 9: editField(&bytes)
        case 10: editDigit(&bytes)
        default:
            guard !donors.isEmpty else { return editField(&bytes) }
            let donor = donors[below(donors.count)]
            guard !donor.isEmpty else { return }
            let at = place(bytes)
            bytes.replaceSubrange(at..<min(bytes.count, at + below(64)), with: donor[stretch(donor)])
        }
    }

    /// An index, more often near one of the ends, where headers and directories are.
    private mutating func place(_ bytes: [UInt8]) -> Int {
        switch below(4) {
        case 0: below(min(bytes.count, 256))
        case 1: bytes.count - 1 - below(min(bytes.count, 256))
        default: below(bytes.count)
        }
    }

    private mutating func stretch(_ bytes: [UInt8]) -> Range<Int> {
        let start = place(bytes)
        let longest = below(4) == 0 ? 4096 : 32
        return start..<min(bytes.count, start + 1 + below(longest))
    }

    /// Replaces a field of 1, 2, 4 or 8 bytes by a value at which parsers trip, or shifts it by a little.
    private mutating func editField(_ bytes: inout [UInt8]) {
        let width = 1 << below(4)
        guard bytes.count >= width else { return }
        let at = min(place(bytes), bytes.count - width)
        var value: UInt64 = 0
        for i in 0..<width { value |= UInt64(bytes[at + i]) << UInt64(8 * i) }
        let edges: [UInt64] = [
            0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF,
            0x7FFF_FFFF_FFFF_FFFF, 0x8000_0000_0000_0000, .max, UInt64(bytes.count), UInt64(bytes.count) &* 2,
        ]
        switch below(3) {
        case 0: value = edges[below(edges.count)]
        case 1: value = value &+ UInt64(1 + below(16))
        default: value = value &- UInt64(1 + below(16))
        }
        if below(4) == 0 { value = value.byteSwapped >> UInt64(64 - 8 * width) }
        for i in 0..<width { bytes[at + i] = UInt8(truncatingIfNeeded: value >> UInt64(8 * i)) }
    }

    /// Changes, repeats or drops a decimal digit, as in a JSON header or an octal size.
    private mutating func editDigit(_ bytes: inout [UInt8]) {
        let start = place(bytes)
        guard let at = bytes[start...].prefix(512).firstIndex(where: { (48...57).contains($0) }) else {
            return editField(&bytes)
        }
        switch below(3) {
        case 0: bytes[at] = UInt8(48 + below(10))
        case 1: bytes.insert(contentsOf: [UInt8](repeating: bytes[at], count: 1 + below(18)), at: at)
        default: bytes.remove(at: at)
        }
    }
}
