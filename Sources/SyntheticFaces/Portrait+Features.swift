extension Portrait {
    /// Antialiased coverage of a shape: 1 inside (`distance` negative), 0 outside, with a transition of one pixel.
    @inline(__always) func inside(_ distance: Lanes) -> Lanes { (0.5 - distance * inversePixel).saturated }

    /// Paints lids, eyeball, iris, lashes and eye shadow.
    func paintEyes(_ c: inout Colors, _ gloss: inout Lanes, _ p: Points, _ front: Lanes) {
        let t = traits
        let ax = p.x.magnitude
        let side = p.x.below(0.0, then: -1.0, else: 1.0)
        let halfWidth: Float = 0.158 * (1 + 0.07 * t.eyeSize)
        let w = Lanes(1 / halfWidth)
        let u = (ax - Lanes(head.eyeX + 0.008)) * w
        if !hill(u * 0.45, p.y * 2.4).anyAbove(0.0) { return }
        let v = p.y * w - u * Lanes(t.eyeTilt)
        let open = t.eyeOpen * (0.94 + 0.1 * t.eyeSize)
        let arc = high(1.0 - u.squared, -1.2)
        // The upper lid is highest near the nose, the lower lid lowest on the outer side.
        let upper = arc * (Lanes(0.60 * open) - u * 0.06)
        let lower = arc * (Lanes(-0.36 * (0.55 + 0.45 * open)) - u * 0.05)
        let lidScale = Lanes(halfWidth)
        let fromUpper = (v - upper) * lidScale
        let fromLower = (lower - v) * lidScale
        let opening = inside(high(fromUpper, fromLower)) * front.saturated

        // Eye shadow and crease on the lid.
        let crease = v - upper - 0.2
        let lidZone = hill(u * 0.78, (v - upper * 0.6 - 0.3) * 1.5)
        if t.makeup > 0 {
            let shade = Colors(palette.skin * SIMD3(0.42, 0.3, 0.36) + palette.accent * 0.12)
            c.cover(shade, lidZone * Lanes(0.62 * t.makeup) * front)
        }
        let creaseLine = hill(u * 0.82) * hill(crease * 6.5)
        c = c * (1.0 - creaseLine * front * Lanes(0.26 + 0.12 * t.wrinkles))

        // Eyeball.
        let shadeBall = 1.0 - 0.26 * u.squared - 0.55 * ramp(0.26, 0.0, upper - v)
        var ball = Colors([0.86, 0.83, 0.81]) * shadeBall
        let inner = hill((u + 0.98) * 3.6, v * 3.5)
        ball.cover(Colors(palette.skin * SIMD3(0.95, 0.5, 0.48)), inner * 0.7)
        let gx = Lanes(t.gazeX * 0.4 - 0.3 * t.yaw) * side - 0.02
        let gy = Lanes(0.09 + t.gazeY * 0.3 + 0.3 * t.pitch)
        let dx = u - gx
        let dv = v - gy
        let r = (dx.squared + dv.squared).root
        let irisRadius: Float = 0.47
        let irisIn = inside((r - Lanes(irisRadius)) * lidScale)
        let ringed = 1.0 - 0.62 * ramp(0.3, 0.47, r)
        let glow = 1.0 + 0.75 * hill((dv + 0.22) * 2.6, dx * 2.0)
        ball.cover(Colors(palette.iris) * ringed * glow, irisIn)
        ball.cover(Colors([0.006, 0.005, 0.005]), inside((r - 0.2) * lidScale))
        let lit = 0.72 + 0.28 * high(Points(out).dot(key), 0.0)
        ball = ball * lit * Lanes(t.exposure) * (1.0 - 0.45 * ramp(0.2, -0.02, upper - v))
        // Reflection of the light in the cornea.
        let lx = gx + Lanes(0.17) * Lanes(t.lightAzimuth > 0 ? 1 : -1) * side
        let sparkle = inside((((u - lx).squared + (v - gy - 0.17).squared).root - 0.115) * lidScale)
        ball.cover(Colors([1.1, 1.1, 1.1]), sparkle * 0.95)
        let second = inside((((u - gx * 2.0 + lx).squared + (v - gy + 0.2).squared).root - 0.06) * lidScale)
        ball.cover(Colors([0.8, 0.85, 0.9]), second * 0.45)
        c.cover(ball, opening)
        gloss = gloss * (1.0 - opening)

        // Lashes: a dark line that is thicker on the outer side, and a faint line below.
        let lashes = t.isMale ? 0.05 : 0.085 + 0.06 * t.makeup
        let outward = 0.6 + 0.4 * u
        let thick = Lanes(lashes) * outward.saturated + 0.012
        let within = ramp(1.2, 1.02, u.magnitude)
        let band = (v - upper - thick * 0.4).magnitude * lidScale - thick * lidScale
        let lash = inside(band) * within * low(thick * lidScale * inversePixel * 2.6 + 0.25, 1.0)
        let lashColor = Colors(palette.brow * 0.25 + palette.skin * 0.015)
        c.cover(lashColor, lash * front * (t.isMale ? 0.72 : 0.92))
        if t.makeup > 0 {
            let wing = (v - 0.12 - (u - 0.95) * 0.55).magnitude * lidScale - 0.008
            c.cover(
                lashColor,
                inside(wing) * ramp(0.85, 1.0, u) * ramp(1.35, 1.1, u) * Lanes(0.7 * t.makeup) * front)
        }
        let under = (v - lower + 0.05).magnitude * lidScale - 0.004
        c.cover(
            Colors(palette.skin * SIMD3(0.36, 0.24, 0.22)),
            inside(under) * within * Lanes(0.22 + 0.3 * t.makeup) * front)
    }

    func paintBrows(_ c: inout Colors, _ p: Points, _ front: Lanes) {
        let t = traits
        let ax = p.x.magnitude
        // From 0 at the nose to 1 at the temple.
        let s = (ax - 0.115) * Lanes(1 / 0.42)
        let inner = ramp(-0.04, 0.1, s) * ramp(1.06, 0.82, s)
        let peak = s - 0.62
        let arch = Lanes(0.045 + 0.075 * t.browArch) * (1.0 - peak.squared * 2.4)
        let middle =
            Lanes(head.browY - 0.03 + 0.02 * t.browTilt - 0.015 * t.browArch) + arch + (s - 0.5)
            * Lanes(0.03 * t.browTilt)
        let thick = Lanes(0.026 + 0.042 * t.browThickness) * (1.05 - 0.62 * s * s)
        let d = (p.y - middle).magnitude - thick
        let softness = 0.35 + 0.65 * ramp(0.02, -0.03, d)
        let hairs = 1.0 - 0.1 * ((ax * 15.0 - p.y * 9.0).wave * Lanes(min(1, inversePixel.v.x / 60)))
        let strength = Lanes(0.68 + 0.32 * t.browThickness) * (0.72 + 0.28 * softness)
        c.cover(Colors(palette.brow), inside(d - 0.006) * inner * strength * hairs * front)
    }

    /// Paints lips, teeth and the inside of an open mouth.
    func paintMouth(_ c: inout Colors, _ gloss: inout Lanes, _ p: Points, _ front: Lanes) {
        let t = traits
        let smile = max(t.smile, 0)
        let mx = p.x * Lanes(1 / head.mouthReach)
        let dy = p.y - Lanes(head.mouthLine(0)) - Lanes(head.mouthCurve) * p.x.squared
        if !hill(mx * 0.7, dy * 3.2).anyAbove(0.0) { return }
        let across = high(1.0 - mx.squared, -0.6)
        let gape = 0.13 * t.mouthOpen * (t.smile > 0.4 ? 0.95 : 1.0)
        let innerTop = across * Lanes(gape * 0.32)
        let innerBottom = -across * Lanes(gape * 0.85)
        let bow = hill(mx * 3.6) * 0.24
        let fullness = 1 + 0.55 * t.lipFullness
        let outerTop = innerTop + across * (Lanes(0.062 * fullness) * (1.0 - bow)) * (1.0 - 0.25 * mx.squared)
        let outerBottom = innerBottom - across * Lanes(0.082 * fullness)
        let lips = inside(high(dy - outerTop, outerBottom - dy))
        var lip = Colors(palette.lips)
        // The upper lip faces away from the light, the lower lip towards it.
        lip = lip * (0.86 + 0.2 * ramp(0.02, -0.03, dy - innerBottom))
        let streaks = 1.0 + 0.08 * (p.x * 14.0).wave * Lanes(min(1, inversePixel.v.x / 46))
        lip = lip * streaks
        let soft = t.lipstick > 0 ? Lanes(0.95) : Lanes(0.72)
        c.cover(lip, lips * soft * front)
        let highlight = hill(mx * 1.9, (dy - outerBottom * 0.45 - innerBottom * 0.55) * 34.0)
        gloss += lips * (highlight * Lanes(1.2 + 1.6 * t.lipstick) - 0.1)
        // Shadow under the lower lip.
        c = c * (1.0 - 0.2 * hill(mx * 1.25, (dy - outerBottom + 0.045) * 17.0) * front)

        if t.mouthOpen > 0 {
            let hole = inside(high(dy - innerTop, innerBottom - dy)) * front
            var within = Colors([0.055, 0.012, 0.012])
            let tongue = hill(mx * 1.4, (dy - innerBottom) * 20.0)
            within.cover(Colors([0.32, 0.085, 0.085]), tongue * 0.7)
            if t.teeth {
                let teethBottom = innerTop - Lanes(min(0.085, gape * 0.95)) * (1.0 - 0.3 * mx.squared)
                let row = inside(teethBottom - dy)
                let gaps =
                    1.0 - 0.16 * ramp(0.72, 1.0, (p.x * 13.0 + 0.5).wave)
                    * Lanes(min(1, inversePixel.v.x / 46))
                let fade = (1.0 - 0.5 * mx.squared.squared) * (0.82 + 0.18 * ramp(0.0, -0.03, dy - innerTop))
                within.cover(Colors([0.86, 0.82, 0.76]) * fade * gaps, row * ramp(1.0, 0.82, mx.magnitude))
            }
            c.cover(within, hole)
            gloss = gloss * (1.0 - hole * 0.9)
        }
        // Line between the lips, and dimples at its corners.
        let line = inside((dy - innerTop * 0.5 - innerBottom * 0.5).magnitude - 0.012)
        let closed = t.mouthOpen > 0 ? Lanes(0) : Lanes(0.72)
        c.cover(
            Colors(palette.lips * SIMD3(0.22, 0.13, 0.13)),
            line * ramp(1.05, 0.9, mx.magnitude) * closed * front)
        let corner = hill((mx.magnitude - 1.02) * 5.5, dy * 15.0)
        c = c * (1.0 - corner * front * Lanes(0.3 + 0.2 * smile))
    }
}

extension Portrait {
    /// Shades hair: strands with two shifted highlights (after Kajiya and Kay, 1989), darker towards the head.
    func shadeHair(_ p: Points, _ n: Points) -> Colors {
        let t = traits
        let (strand, tangent) = flow(p, n)
        var albedo = Colors(palette.hair)
        albedo.cover(Colors(palette.hairTips), (strand * 0.5 + 0.5).squared * 0.6)
        albedo = albedo * (1.0 + strand * (t.hairColor == .black ? 0.38 : 0.3))
        if t.grayness > 0, t.hairColor != .gray {
            albedo.cover(Colors([0.42, 0.41, 0.4]), ramp(0.3, 0.9, strand) * Lanes(t.grayness))
        }
        let facingUp = n.dot(skyward) * 0.5 + 0.5
        var light = groundColor * 0.75
        light.cover(skyColor, facingUp)
        let shadow = (0.3 + hair.cranium(p + key * 0.3) * 6.0).saturated
        let diffuse = (n.dot(key) * 0.72 + 0.28).saturated * (0.35 + 0.65 * shadow)
        let root = ramp(-0.02, 0.13, hair.cranium(p))
        light = (light * 0.9 + keyColor * diffuse) * (0.45 + 0.55 * root)
        let along = tangent.dot(half) + strand * 0.1
        let s1 = (1.0 - (along - 0.06).squared).saturated
        let s4 = s1.squared.squared
        let tight = s4.squared.squared.squared
        let broad = s4.squared
        let specular = (tight * 0.26 + broad * 0.1) * diffuse * (0.7 + 0.5 * strand)
        let edge = 1.0 - n.dot(Points(out)).saturated
        let rimLight = edge.squared * high(n.dot(rim) + 0.1, 0.0) * 1.5 * root
        let gloss = t.texture == .curly ? Lanes(0.4) : Lanes(0.75 + 0.4 * t.shine)
        return albedo * light + Colors(palette.hairLight) * keyColor * specular * gloss
            + rimColor * Colors(palette.hairLight) * (rimLight * 1.1)
    }

    /// Brightness of the strand at a point, -1...1, and the direction of growth.
    private func flow(_ p: Points, _ n: Points) -> (strand: Lanes, tangent: Points) {
        let t = traits
        let phase = Lanes(Float((t.pattern >> 10) & 1023) / 1024)
        let combedBack = t.hairStyle == .short || t.hairStyle == .swept || t.hairStyle == .buzzed
        let partX = Lanes(t.part * 0.9)
        // Hanging strands differ by their angle around the head, combed strands by their lateral position.
        let dx = p.x - partX * ramp(0.2, 0.9, p.y)
        let dz = p.z + 0.25
        let angle = dx / (dx.magnitude + dz.magnitude + 0.05)
        var u = angle * 1.15
        if combedBack { u = mix(u, p.x * 0.9 + p.z * Lanes(t.part * 0.6), ramp(0.35, 0.75, p.y)) }
        if t.bangs != .none { u = mix(u, p.x * 1.1, ramp(0.3, 0.7, p.z)) }
        switch t.texture {
        case .straight: u += (p.y * 0.7 + phase).wave * 0.012
        case .wavy: u += (p.y * 1.5 + phase + p.z * 0.4).wave * 0.075
        case .curly: u += (p.y * 3.1 + phase).wave * 0.09 + (p.x * 3.3 + p.z).wave * 0.06
        }
        let fine = pixel.v.x
        var strand = Lanes(0)
        for (frequency, weight) in [(3.1, 0.34), (7.3, 0.34), (15.7, 0.3), (33.0, 0.24)] as [(Float, Float)] {
            let seen = min(max(1.45 - frequency * fine * 1.7, 0), 1)
            if seen > 0 {
                let bend = (p.y * 0.9 + p.z * 0.6 + Lanes(frequency)).wave * 0.22
                strand += (u * Lanes(frequency) + phase + bend).wave * Lanes(weight * seen)
            }
        }
        if t.texture == .curly {
            let curl =
                (p.x * 4.2 + (p.y * 3.0).wave * 0.3 + phase).wave * (p.y * 4.4 + (p.z * 3.0).wave * 0.3).wave
            strand = strand * 0.4 + curl * 0.75
        }
        // Direction of growth: downwards on the surface, or backwards where combed.
        var growth = Points(0.0, -1.0, 0.0)
        if combedBack {
            let top = ramp(0.3, 0.8, p.y)
            growth = Points(0.0, top - 1.0, -top)
        } else {
            growth = Points(p.x * ramp(0.3, 0.9, p.y) * 1.2, -1.0, p.z * 0.3 * ramp(0.3, 0.9, p.y))
        }
        let tangent = (growth - n * growth.dot(n)).normalized
        return (strand, tangent)
    }
}
