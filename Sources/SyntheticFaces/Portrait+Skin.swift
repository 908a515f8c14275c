extension Portrait {
    /// Shades skin: wrapped diffuse light with a reddish terminator, light from sky and ground, rim light and soft
    /// gloss.
    func shadeSkin(_ hit: Hit) -> Colors {
        let p = hit.point
        let n = normal(hit) { head($0) }
        let (albedo, gloss) = paintSkin(p)
        let occlusion = openness(p, n)
        let shadow = lightReaching(p, n)
        let toKey = n.dot(key)
        let red = ((toKey + 0.32) * (1.0 / 1.32)).saturated
        let green = ((toKey + 0.17) * (1.0 / 1.17)).saturated
        let blue = ((toKey + 0.13) * (1.0 / 1.13)).saturated
        let soft = mix(shadow, 1.0, 0.18)
        let direct = Colors(red * soft, green * shadow, blue * shadow) * keyColor
        let facingUp = n.dot(skyward) * 0.5 + 0.5
        var light = groundColor
        light.cover(skyColor, facingUp)
        light = (light + fillColor * high(n.dot(fill), 0.0)) * occlusion
        let facing = n.dot(Points(out))
        let edge = 1.0 - facing.saturated
        let fresnel = edge * edge * (0.35 + 0.65 * edge)
        let rimLight = fresnel * high(n.dot(rim) + 0.15, 0.0) * 1.6
        let toHalf = high(n.dot(half), 0.0)
        let h2 = toHalf.squared
        let h8 = h2.squared.squared
        let h32 = h8.squared.squared
        let sheen = (h8 * 0.035 + h32 * 0.11) * gloss * shadow + fresnel * 0.05
        return albedo * (direct + light) + rimColor * rimLight * occlusion + keyColor * sheen
    }

    /// Ambient occlusion: 1 on open skin, less in folds. The field is sampled slightly above the surface.
    @inline(__always) private func openness(_ p: Points, _ n: Points) -> Lanes {
        let open = (head(p + n * 0.16) * (1.0 / 0.16)).saturated
        return 0.3 + 0.7 * open
    }

    /// Visibility of the key light, with soft shadows of nose, brow, chin and hair.
    @inline(__always) private func lightReaching(_ p: Points, _ n: Points) -> Lanes {
        let from = p + n * 0.03
        var s = Lanes(1)
        for t in [0.13, 0.4] as [Lanes] {
            s = low(s, 0.35 + head(from + key * t) * (4.5 / t))
        }
        if hair.exists {
            s = low(s, 0.25 + hair(from + key * 0.16) * 7.0)
        }
        if traits.hat != .none {
            for t in [0.15, 0.4] as [Lanes] { s = low(s, 0.3 + hat(from + key * t) * (4.0 / t)) }
        }
        return s.saturated * 0.8 + 0.2 * s.saturated.squared
    }

    /// Color of the skin: blush, redder nose and ears, age, freckles, shaved or bearded parts, and features.
    private func paintSkin(_ p: Points) -> (color: Colors, gloss: Lanes) {
        let t = traits
        let ax = p.x.magnitude
        let y = p.y
        let front = (p.z * 2.5 - 0.5).saturated
        var c = Colors(palette.skin)
        let blushColor = Colors(palette.blush)
        // Uneven color.
        let mottle =
            (p.x * 2.3 + p.y * 1.1).wave * (p.y * 2.9 - p.x * 0.7).wave + (p.x * 5.1).wave * (p.y * 4.7).wave
            * 0.5
        c = c * (1.0 + mottle * 0.022)
        var flush = Lanes(0.1 + 0.62 * t.blush) * hill((ax - 0.43) * 2.5, (y + 0.33) * 3.0)
        flush += 0.22 * hill(p.x * 4.5, (y - Lanes(head.noseY) - 0.04) * 5.0)
        flush += 0.2 * ramp(0.68, 0.78, ax) * ramp(0.25, 0.1, p.z)
        flush += 0.12 * hill(p.x * 3.0, (y - Lanes(head.chinY) - 0.1) * 4.0)
        c.cover(blushColor, (flush * (front * 0.7 + 0.3)).saturated)
        // Darker around the eyes.
        let ex = ax - Lanes(head.eyeX)
        let hollow = hill(ex * 3.4, (y + 0.02) * 4.0) * front
        c = c * (1.0 - hollow * Lanes(0.1 + 0.06 * t.wrinkles))
        if t.freckles > 0 {
            let a =
                (p.x * 7.1 + y * 2.3 + (y * 2.7).wave * 0.6).wave
                * (y * 7.7 - p.x * 1.9 + (p.x * 3.1).wave * 0.6).wave
            let b = (p.x * 10.3 - y * 4.1 + 0.3).wave * (y * 9.7 + p.x * 3.7 + (p.x * 2.3).wave * 0.4).wave
            let spots = high(a, b * 0.9) + (p.x * 3.7 - y * 2.9).wave * 0.25
            let region = hill((ax - 0.25) * 1.7, (y + 0.28) * 2.6) * front
            c.cover(
                c * Colors([0.62, 0.46, 0.36]), ramp(0.45, 0.95, spots) * region * Lanes(t.freckles * 0.75))
        }
        var gloss = Lanes(0.5 + 0.6 * t.shine) * (0.55 + 0.45 * hill(p.x * 1.8, (y - 0.1) * 1.1))
        // Shadow of the jaw on the neck.
        c = c * (1.0 - 0.34 * ramp(-0.72, -1.05, y) * ramp(0.58, 0.3, p.z))
        paintAge(&c, p, front)
        paintBeard(&c, &gloss, p, front)
        paintMouth(&c, &gloss, p, front)
        paintNostrils(&c, p, front)
        paintEyes(&c, &gloss, p, front)
        paintBrows(&c, p, front)
        return (c, gloss)
    }

    private func paintNostrils(_ c: inout Colors, _ p: Points, _ front: Lanes) {
        let t = traits
        let size = 1 + 0.12 * t.noseSize
        let nx = (p.x.magnitude - Lanes(0.068 * size + 0.008 * t.noseWidth)) * Lanes(15.0 / size)
        let ny = (p.y - Lanes(head.noseY - 0.045) + nx * 0.006) * 26.0
        c = c * (1.0 - 0.72 * hill(nx, ny) * front)
        // Fold beside the wing of the nose.
        let wx = (p.x.magnitude - Lanes(0.18 * size + 0.012 * t.noseWidth)) * 16.0
        let wy = (p.y - Lanes(head.noseY + 0.01)) * 9.0
        c = c * (1.0 - 0.2 * hill(wx, wy) * front)
    }

    private func paintAge(_ c: inout Colors, _ p: Points, _ front: Lanes) {
        let t = traits
        let ax = p.x.magnitude
        // Fold from nose to mouth.
        let foldX = 0.2 + (Lanes(head.noseY + 0.03) - p.y) * Lanes(0.5 + 0.15 * max(t.smile, 0))
        let inFold =
            ramp(Lanes(head.mouthY - 0.1), Lanes(head.mouthY + 0.08), p.y)
            * ramp(Lanes(head.noseY + 0.06), Lanes(head.noseY - 0.04), p.y)
        let fold = hill((ax - foldX) * 14.0) * inFold * front
        c = c * (1.0 - fold * Lanes(0.1 + 0.36 * t.wrinkles + 0.14 * max(t.smile, 0)))
        if t.bags > 0 {
            let ex = (ax - Lanes(head.eyeX)) * 5.0
            let sag = p.y + 0.135 - ex.squared * 0.05
            c = c * (1.0 - hill(ex * 0.85, sag * 17.0) * front * Lanes(0.42 * t.bags))
            let tint = Colors([0.9, 0.82, 0.88])
            c.cover(c * tint, hill(ex * 0.8, (p.y + 0.1) * 9.0) * front * Lanes(t.bags * 0.8))
        }
        guard t.wrinkles > 0.15 else { return }
        let lines = ((p.y - 0.05 * ax.squared) * 10.5 + (p.x * 1.3).wave * 0.12).wave
        let forehead = hill(p.x * 1.9, (p.y - 0.45) * 5.2) * front
        c = c * (1.0 - ramp(0.35, 1.0, lines) * forehead * Lanes(0.32 * t.wrinkles))
        let crow =
            hill((ax - Lanes(head.eyeX + 0.25)) * 9.0, p.y * 8.0) * ((p.y - (ax - 0.5) * 0.0) * 14.0).wave
        c = c * (1.0 - high(crow, 0.0) * Lanes(0.36 * t.wrinkles))
    }
}
