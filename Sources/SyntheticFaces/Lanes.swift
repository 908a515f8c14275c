/// Values of four neighboring pixels in a row, computed together.
///
/// Only addition, subtraction, multiplication, division, comparison and integer arithmetic are used. IEEE 754 defines
/// these operations exactly, so a face has the same bytes on every machine.
struct Lanes: ExpressibleByFloatLiteral, Sendable {
    var v: SIMD4<Float>

    @inline(__always) init(_ v: SIMD4<Float>) { self.v = v }
    @inline(__always) init(_ scalar: Float) { v = SIMD4(repeating: scalar) }
    @inline(__always) init(floatLiteral value: Float) { v = SIMD4(repeating: value) }

    @inline(__always) private init(bits: Bits) { v = unsafeBitCast(bits, to: SIMD4<Float>.self) }
    @inline(__always) private var bits: Bits { unsafeBitCast(v, to: Bits.self) }

    /// Bit patterns are represented by masks, because the standard library compiles their logic to vector
    /// instructions.
    private typealias Bits = SIMDMask<SIMD4<Int32>>

    static let zero = Lanes(SIMD4<Float>(repeating: 0))

    @inline(__always) static func + (a: Lanes, b: Lanes) -> Lanes { Lanes(a.v + b.v) }
    @inline(__always) static func - (a: Lanes, b: Lanes) -> Lanes { Lanes(a.v - b.v) }
    @inline(__always) static func * (a: Lanes, b: Lanes) -> Lanes { Lanes(a.v * b.v) }
    @inline(__always) static func / (a: Lanes, b: Lanes) -> Lanes { Lanes(a.v / b.v) }
    @inline(__always) static prefix func - (a: Lanes) -> Lanes { Lanes(0 - a.v) }
    @inline(__always) static func += (a: inout Lanes, b: Lanes) { a.v += b.v }
    @inline(__always) static func -= (a: inout Lanes, b: Lanes) { a.v -= b.v }
    @inline(__always) static func *= (a: inout Lanes, b: Lanes) { a.v *= b.v }

    /// `a` in lanes where this value is below `limit`, otherwise `b`.
    @inline(__always) func below(_ limit: Lanes, then a: Lanes, else b: Lanes) -> Lanes {
        let mask = v .< limit.v
        return Lanes(bits: (a.bits .& mask) .| (b.bits .& .!mask))
    }

    @inline(__always) func anyBelow(_ limit: Lanes) -> Bool { any(v .< limit.v) }
    @inline(__always) func anyAbove(_ limit: Lanes) -> Bool { any(v .> limit.v) }

    @inline(__always) var magnitude: Lanes {
        Lanes(bits: bits .& unsafeBitCast(SIMD4<UInt32>(repeating: 0x7fff_ffff), to: Bits.self))
    }

    @inline(__always) var squared: Lanes { Lanes(v * v) }

    /// This clamped to 0...1.
    @inline(__always) var saturated: Lanes { low(high(self, 0.0), 1.0) }

    /// The distance to the nearest integer below or above, in -0.5...0.5.
    @inline(__always) var fraction: Lanes {
        let shift = SIMD4<Float>(repeating: 12_582_912)
        return Lanes(v - ((v + shift) - shift))
    }

    /// A smooth wave of period 1 and range -1...1 (parabolic approximation of a sine).
    @inline(__always) var wave: Lanes {
        let t = fraction
        return t * (8.0 - 16.0 * t.magnitude)
    }

    /// 1/√x of a positive value with an error below 5e-6, from integer operations and multiplications.
    @inline(__always) var inverseRoot: Lanes {
        let bits = unsafeBitCast(v, to: SIMD4<UInt32>.self)
        let guess = SIMD4<UInt32>(repeating: 0x5f37_59df) &- (bits &>> SIMD4<UInt32>(repeating: 1))
        var y = unsafeBitCast(guess, to: SIMD4<Float>.self)
        let half = 0.5 * v
        y *= 1.5 - half * y * y
        y *= 1.5 - half * y * y
        return Lanes(y)
    }

    @inline(__always) var root: Lanes { self * (self + 1e-12).inverseRoot }
}

// Selection uses bit masks, because the standard library's `replacing` prevents vectorization in large functions.
@inline(__always) func low(_ a: Lanes, _ b: Lanes) -> Lanes { a.below(b, then: a, else: b) }
@inline(__always) func high(_ a: Lanes, _ b: Lanes) -> Lanes { a.below(b, then: b, else: a) }
@inline(__always) func mix(_ a: Lanes, _ b: Lanes, _ t: Lanes) -> Lanes { a + (b - a) * t }

/// Smooth step: 0 below `from`, 1 above `to`. `from` can exceed `to`.
@inline(__always) func ramp(_ from: Lanes, _ to: Lanes, _ x: Lanes) -> Lanes {
    let t = ((x - from) * (1.0 / (to - from))).saturated
    return t * t * (3.0 - 2.0 * t)
}

/// A smooth round bump: 1 at the origin, 0 outside the unit circle.
@inline(__always) func hill(_ x: Lanes, _ y: Lanes) -> Lanes {
    let h = high(1.0 - x * x - y * y, 0.0)
    return h * h
}

@inline(__always) func hill(_ x: Lanes) -> Lanes {
    let h = high(1.0 - x * x, 0.0)
    return h * h
}

/// Smooth minimum of two distances with a transition of width `k`.
@inline(__always) func blend(_ a: Lanes, _ b: Lanes, _ k: Lanes) -> Lanes {
    let h = high(k - (a - b).magnitude, 0.0)
    return low(a, b) - h * h * (0.25 / k)
}

/// Four points or directions.
struct Points: Sendable {
    var x, y, z: Lanes

    @inline(__always) init(_ x: Lanes, _ y: Lanes, _ z: Lanes) { (self.x, self.y, self.z) = (x, y, z) }
    @inline(__always) init(_ p: SIMD3<Float>) { (x, y, z) = (Lanes(p.x), Lanes(p.y), Lanes(p.z)) }
    @inline(__always) static func + (a: Points, b: Points) -> Points {
        Points(a.x + b.x, a.y + b.y, a.z + b.z)
    }
    @inline(__always) static func - (a: Points, b: Points) -> Points {
        Points(a.x - b.x, a.y - b.y, a.z - b.z)
    }
    @inline(__always) static func * (a: Points, s: Lanes) -> Points { Points(a.x * s, a.y * s, a.z * s) }
    @inline(__always) func dot(_ b: Points) -> Lanes { x * b.x + y * b.y + z * b.z }
    @inline(__always) var normalized: Points { self * (dot(self) + 1e-12).inverseRoot }
}

/// Four colors in linear light, 0 (black) to 1 (white).
struct Colors: Sendable {
    var r, g, b: Lanes

    @inline(__always) init(_ r: Lanes, _ g: Lanes, _ b: Lanes) { (self.r, self.g, self.b) = (r, g, b) }
    @inline(__always) init(_ c: SIMD3<Float>) { (r, g, b) = (Lanes(c.x), Lanes(c.y), Lanes(c.z)) }
    @inline(__always) static func + (a: Colors, b: Colors) -> Colors {
        Colors(a.r + b.r, a.g + b.g, a.b + b.b)
    }
    @inline(__always) static func * (a: Colors, b: Colors) -> Colors {
        Colors(a.r * b.r, a.g * b.g, a.b * b.b)
    }
    @inline(__always) static func * (a: Colors, s: Lanes) -> Colors { Colors(a.r * s, a.g * s, a.b * s) }

    /// Composites `top` over this color with coverage `alpha`.
    @inline(__always) mutating func cover(_ top: Colors, _ alpha: Lanes) {
        r = mix(r, top.r, alpha)
        g = mix(g, top.g, alpha)
        b = mix(b, top.b, alpha)
    }
}

/// Scalar product with a fixed order of additions.
@inline(__always) func dot(_ a: SIMD3<Float>, _ b: SIMD3<Float>) -> Float {
    a.x * b.x + a.y * b.y + a.z * b.z
}
