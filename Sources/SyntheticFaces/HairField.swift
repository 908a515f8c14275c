/// Shape of the hair: an approximate signed distance in head space, negative inside.
struct HairField: Sendable {
    let exists: Bool
    /// Whether hair can extend far in front of the surface on which it grows.
    let isBulky: Bool
    /// Upper bound of the distance, approximately, where no hair is near.
    static let clear = Lanes(0.095)
    /// Radius of a sphere around the skull and half the width of a column below it that contain all hair.
    let reach: (radius: Float, column: Float)
    /// Fraction of the distance that a ray can safely advance.
    let step: Lanes
    let cranium: HeadField.Ellipsoid
    private let hasFringe, hasQuiff, hasLumps: Bool
    private let bulk, thickness, quiff, quiffX, lumps, lumpScale: Lanes
    private let hairline, temples, sides, nape, fringe, fringeSlope: Lanes
    private let falls: Bool
    private let fallX, fallZ, fallDepth, fallEnd, flare, sway: Lanes
    private let hasKnot: Bool
    private let knot: Points
    private let knotRadius: Lanes
    private let phase: Lanes

    init(_ t: FaceTraits, head: HeadField) {
        let volume = t.hairVolume
        exists = t.hairStyle != .bald
        isBulky = t.hairStyle == .curly || (t.yaw.magnitude > 0.12 && [.bob, .long].contains(t.hairStyle))
        cranium = head.cranium
        var thick: Float = 0.1
        var lift: Float = 0
        var lump: Float = t.texture == .wavy ? 0.018 : 0.004
        var side: Float = 0.1
        var back: Float = -0.6
        var length: Float = 0
        switch t.hairStyle {
        case .bald: thick = 0
        case .buzzed: (thick, lump) = (0.035, 0)
        case .short: (thick, lift) = (0.09 + 0.06 * volume, 0.05 + 0.08 * volume)
        case .swept: (thick, lift) = (0.11 + 0.06 * volume, 0.16 + 0.14 * volume)
        case .curly: (thick, lump) = (0.2 + 0.24 * volume, 0.026)
        case .bob:
            (thick, side, back, length) = (0.13 + 0.05 * volume, -0.75, -0.8, 0.75 + 0.3 * t.hairLength)
        case .long: (thick, side, back, length) = (0.12 + 0.06 * volume, -0.9, -0.9, 1.3 + 0.9 * t.hairLength)
        case .ponytail, .bun: (thick, back) = (0.065 + 0.03 * volume, -0.7)
        }
        if t.hat != .none { (thick, lift, lump) = (min(thick, 0.085), 0, min(lump, 0.004)) }
        hasFringe = t.bangs != .none && t.hat == .none
        hasQuiff = lift > 0
        hasLumps = lump > 0.01
        step = Lanes(lump > 0.01 ? 0.72 : 0.9)
        bulk = Lanes(thick + lift + 2 * lump + 0.08)
        thickness = Lanes(thick)
        quiff = Lanes(lift)
        quiffX = Lanes(t.part * 0.8)
        lumps = Lanes(lump)
        lumpScale = Lanes(t.texture == .curly ? 2.3 : 1.5)
        hairline = Lanes(0.6 + 0.13 * t.receding)
        temples = Lanes(0.05 + 0.36 * t.receding)
        sides = Lanes(side)
        nape = Lanes(back)
        switch hasFringe ? t.bangs : .none {
        case .none: (fringe, fringeSlope) = (Lanes(9), .zero)
        case .full: (fringe, fringeSlope) = (Lanes(0.3), .zero)
        case .side: (fringe, fringeSlope) = (Lanes(0.42), Lanes(t.part > 0 ? 0.42 : -0.42))
        }
        falls = length > 0
        fallX = Lanes(head.halfWidth * 1.02 + 0.05 + 0.12 * volume)
        fallZ = Lanes(-0.2 + 0.12 * volume)
        fallDepth = Lanes(0.52)
        fallEnd = Lanes(-length)
        flare = Lanes(t.texture == .wavy ? 0.12 : 0.04)
        sway = Lanes(t.texture == .wavy ? 0.045 : 0.008)
        hasKnot = t.hairStyle == .ponytail || (t.hairStyle == .bun && t.hat == .none)
        if t.hairStyle == .bun, t.hat == .none {
            (knot, knotRadius) = (Points([0, 1.22, -0.32]), Lanes(0.24 + 0.08 * volume))
        } else {
            (knot, knotRadius) = (Points([t.part > 0 ? 0.5 : -0.5, -0.5, -0.75]), Lanes(0.36))
        }
        reach = (length > 0 ? 1.5 : 1.25 + thick + 0.5 * lift, length > 0 ? 1.35 : 0)
        phase = Lanes(Float(t.pattern & 1023) / 1024)
    }

    /// The distance of four points.
    /// - Parameter far: whether a smaller distance is acceptable far away from the hair.
    func callAsFunction(_ p: Points, far: Bool = false) -> Lanes {
        let ax = p.x.magnitude
        let skull = cranium(p)
        var f: Lanes
        if !far || skull.anyBelow(bulk + 0.25) {
            f = skull - cap(p, ax)
        } else {
            f = skull - bulk + 0.05
        }
        if falls {
            let down = high(0.2 - p.y, 0.0)
            let swing = (p.y * 1.15 + phase).wave * sway
            let rx = fallX + flare * down * low(down, 1.0) + swing
            let a = ax / rx
            let c = (p.z - fallZ) / fallDepth
            var column = ((a * a + c * c).root - 1.0) * 0.55
            column += 0.45 * ramp(0.05, 0.8, p.y)
            column = high(column, high(p.y - 0.7, fallEnd - p.y + (p.x * 5.0 + phase).wave * 0.03))
            f = blend(f, column, 0.22)
        }
        if hasKnot {
            let d = p - knot
            let ball = (d.x.squared + (d.y * 0.8).squared + d.z.squared).root - knotRadius
            f = blend(f, ball, 0.06)
        }
        return f
    }

    /// Thickness of the hair over the skull; negative where there is none.
    @inline(__always) private func cap(_ p: Points, _ ax: Lanes) -> Lanes {
        // Lower edge of the hair at the forehead, in front of the ears and at the nape.
        var edge = hairline + temples * hill((ax - 0.42) * 2.9)
        if hasFringe {
            let strands = (p.x * 4.3 + phase).wave * 0.035 + (p.x * 9.7 + phase).wave * 0.02
            edge = low(edge, fringe + fringeSlope * p.x + strands + 0.25 * ax.squared)
        }
        edge = mix(edge, sides, ramp(0.62, 0.3, p.z))
        edge = mix(edge, nape, ramp(-0.1, -0.35, p.z))
        let above = p.y - edge
        var depth = thickness * ramp(-0.03, 0.22, above) - 0.1 * ramp(0.03, -0.12, above)
        if hasQuiff {
            depth += quiff * hill((p.x - quiffX) * 1.25) * hill((p.y - 0.98) * 1.6, (p.z - 0.4) * 1.15)
        }
        if hasLumps {
            let q = p.x + 0.35 * (p.y * 1.3 + phase).wave
            depth +=
                lumps * ((q * lumpScale + phase).wave * (p.y * lumpScale).wave + (p.z * lumpScale + p.y).wave)
        }
        return depth
    }
}
