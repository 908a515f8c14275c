extension Portrait {
    /// Shades a hat of felt, cotton or knitted wool with a band.
    func shadeHat(_ hit: Hit) -> Colors {
        let p = hit.point
        let n = normal(hit) { hat($0) }
        let rise = hat.rise(p)
        var cloth = Colors(palette.hatMain)
        let seen = Lanes(min(1, inversePixel.v.x / 40))
        switch hat.kind {
        case .beanie:
            let turn = p.x / (p.x.magnitude + p.z.magnitude + 0.1)
            let ribs = (turn * 15.0).wave
            let folded = ramp(0.26, 0.23, rise)
            cloth.cover(Colors(palette.hatBand * 0.4 + palette.hatMain * 0.6), folded)
            cloth = cloth * (1.0 + ribs * 0.16 * seen) * (1.0 - 0.35 * hill((rise - 0.255) * 16.0))
        case .brimmed:
            let band = ramp(0.03, 0.05, rise) * ramp(0.21, 0.19, rise) * ramp(0.35, 0.2, hat.cranium(p))
            cloth.cover(Colors(palette.hatBand * 0.5), band)
        default:
            let seam = hill(p.x * 26.0) * ramp(0.1, 0.2, rise)
            cloth = cloth * (1.0 - 0.3 * seam * seen)
        }
        var light = groundColor * 0.7
        light.cover(skyColor, n.dot(skyward) * 0.5 + 0.5)
        let shade = (0.3 + hat(p + n * 0.04 + key * 0.2) * 9.0).saturated
        let diffuse = (n.dot(key) * 0.85 + 0.15).saturated * shade
        let edge = 1.0 - n.dot(Points(out)).saturated
        let rimLight = edge.squared * high(n.dot(rim) + 0.1, 0.0)
        return cloth * (light + keyColor * diffuse) + rimColor * rimLight * 0.5
    }

    /// Draws spectacles: lenses and frame in a plane in front of the eyes, and temples to the ears.
    func drawGlasses(_ c: inout Colors, _ x: Lanes, _ y: Lanes, face: Hit?, hairDepth: Lanes) {
        let t = traits
        let base = headPoint(x, y, 0.0)
        let plane: Float = 0.99
        let depth = (Lanes(plane) - base.z) * Lanes(1 / out.z)
        let p = base + Points(out) * depth
        let ax = p.x.magnitude
        let ay = p.y.magnitude
        let thick: Float = 0.016 + 0.02 * (t.glassesShape * 7 - (t.glassesShape * 7).rounded(.down))
        let shown = ramp(0.02, -0.03, hairDepth - depth)
        if ax.anyBelow(0.62), ay.anyBelow(0.3) {
            let round = t.glassesShape
            let sun = t.glasses == .sun
            let halfX: Float = (sun ? 0.235 : 0.215) - 0.02 * round
            let halfY: Float = (sun ? 0.175 : 0.14) + 0.05 * round
            let corner: Float = 0.06 + 0.11 * round
            let qx = high((ax - Lanes(head.eyeX + 0.02)).magnitude - Lanes(halfX - corner), 0.0)
            let qy = high((p.y + Lanes(0.035) + 0.05 * ax).magnitude - Lanes(halfY - corner), 0.0)
            let d = (qx.squared + qy.squared).root - Lanes(corner)
            let lens = inside(d) * shown
            let streak = ramp(0.25, 0.5, ((p.x * 0.8 + p.y * 1.3) * 1.1 + 0.15).wave)
            if sun {
                let fade = ramp(-0.25, 0.15, p.y)
                c.cover(
                    Colors(palette.lens) + keyColor * (0.05 * fade) + keyColor * (streak * 0.1),
                    lens * 0.985)
            } else {
                c.cover(keyColor, lens * (0.03 + streak * 0.1))
            }
            let ring = inside(d.magnitude - Lanes(thick))
            let bridgeY = (p.y - 0.03 + ax.squared * 1.6).magnitude - Lanes(thick * 0.9)
            let bridge = inside(bridgeY) * inside(ax - Lanes(head.eyeX - halfX + 0.04))
            let gleam = 0.55 + 0.6 * ramp(-0.15, 0.15, p.y)
            c.cover(Colors(palette.frame) * (keyColor + skyColor) * gleam, high(ring, bridge) * shown)
        }
        // Each temple is in a slanted plane beside the head and can be hidden by the face.
        for side in [-1, 1] as [Float] {
            let slant = out.x + side * 0.17 * out.z
            if side * slant < 0.02 { continue }
            let z =
                (Lanes(side * (0.56 + 0.17 * plane)) - base.x - Lanes(side * 0.17) * base.z)
                * Lanes(1 / slant)
            let q = base + Points(out) * z
            let bar =
                inside((q.y - 0.04).magnitude - Lanes(0.02))
                * ramp(Lanes(plane + 0.01), Lanes(plane - 0.01), q.z)
            var visible = bar * ramp(-0.12, -0.05, q.z) * ramp(0.02, -0.03, hairDepth - z)
            if let face { visible *= 1.0 - ramp(0.02, 0.06, face.depth - z) * face.coverage }
            c.cover(Colors(palette.frame) * (keyColor + skyColor) * 0.8, visible)
        }
    }

    /// Draws a stud, a drop or a ring at the lobe of each visible ear.
    func drawEarrings(_ c: inout Colors, _ x: Lanes, _ y: Lanes, face: Hit?) {
        let gold = Colors(traits.accentHue > 0.4 ? [0.85, 0.6, 0.22] : [0.72, 0.74, 0.78])
        for side in [-1, 1] as [Float] {
            let lobe = SIMD3<Float>(side * (head.halfWidth + 0.035), -0.36, 0.06) - anchor
            let dx = x - Lanes(dot(lobe, right))
            let dy = y - Lanes(dot(lobe, up))
            let depth = Lanes(dot(lobe, out))
            var visible = Lanes(1)
            if let face { visible -= ramp(0.1, 0.2, face.depth - depth) * face.coverage }
            let r: Float
            let d: Lanes
            switch traits.accentHue {
            case ..<0.4:
                r = 0.05
                d = (dx.squared + dy.squared).root - Lanes(r)
            case ..<0.7:
                r = 0.115
                d = ((dx.squared + (dy + 0.1).squared).root - Lanes(r)).magnitude - 0.016
            default:
                r = 0.06
                d = (dx.squared + ((dy + 0.1) * 0.55).squared).root - Lanes(r)
            }
            let light = 0.65 + 0.5 * ramp(-0.08, 0.06, dy + dx * Lanes(traits.lightAzimuth))
            let spark = hill((dx - Lanes(traits.lightAzimuth * 0.02)) * 22.0, (dy - 0.015) * 22.0)
            c.cover(gold * (keyColor + skyColor) * light + keyColor * (spark * 0.7), inside(d) * visible)
        }
    }

    /// Draws beads or a chain around the base of the neck.
    func drawNecklace(_ c: inout Colors, _ x: Lanes, _ y: Lanes, visible: Lanes) {
        let base = SIMD3<Float>(0, -1.26, 0) - anchor
        let dx = x - Lanes(dot(base, right) * 0.92)
        let curve = y - Lanes(dot(base, up)) + 0.1 - 0.75 * dx.squared
        let pearls = traits.accentHue < 0.5
        let beads = pearls ? 0.75 + 0.25 * (dx * 11.0).wave * Lanes(min(1, inversePixel.v.x / 40)) : Lanes(1)
        let line = inside(curve.magnitude - (pearls ? 0.03 : 0.013)) * inside(dx.magnitude - 0.42)
        let metal = Colors(pearls ? [0.85, 0.81, 0.76] : [0.85, 0.62, 0.26])
        let shade = (0.55 + 0.45 * ramp(-0.03, 0.03, curve)) * beads
        c.cover(metal * (keyColor + skyColor) * shade, line * visible)
    }
}
