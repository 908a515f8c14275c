extension Portrait {
    /// Shoulders and chest, drawn in view space: one ellipsoid under the head.
    func hitBody(_ x: Lanes, _ y: Lanes) -> Hit? {
        let (c, r) = torso
        let a = (x - Lanes(c.x)) * Lanes(1 / r.x)
        let b = (y - Lanes(c.y)) * Lanes(1 / r.y)
        let d = 1.0 - a * a - b * b
        let coverage = (0.5 + d * Lanes(0.45 * min(r.x, r.y)) * inversePixel).saturated
        if !coverage.anyAbove(0.0) { return nil }
        let depth = Lanes(c.z) + Lanes(r.z) * high(d, 0.0).root
        return Hit(point: Points(x, y, depth), depth: depth, distance: .zero, coverage: coverage)
    }

    private var torso: (center: SIMD3<Float>, radii: SIMD3<Float>) {
        let wide: Float = (traits.isMale ? 1.62 : 1.36) + 0.16 * traits.chubbiness
        let neck = SIMD3<Float>(0, -1.3, -0.12) - anchor
        let x = dot(neck, right)
        return ([x * 0.9, -1.97 - 0.04 * traits.headLength, -0.86], [wide, 0.82, 0.75])
    }

    func shadeBody(_ h: Hit) -> Colors {
        let t = traits
        let (c, r) = torso
        let x = h.point.x - Lanes(c.x)
        let y = h.point.y - Lanes(c.y)
        let n = Points(
            x * Lanes(1 / (r.x * r.x)), y * Lanes(1 / (r.y * r.y)),
            (h.depth - Lanes(c.z)) * Lanes(1 / (r.z * r.z)) + 0.25
        )
        .normalized
        let top = Lanes(-1.27) - y - Lanes(c.y)  // how far below the throat
        var cloth = Colors(palette.cloth)
        cloth = cloth * (1.0 + 0.1 * (x * 1.9 + (y * 1.3).wave * 0.4).wave * (1.0 - 0.3 * y.magnitude))
        let ax = x.magnitude
        let skin = Colors(palette.skin * 0.95)
        let light: Colors
        do {
            let up = n.y * 0.5 + 0.5
            var l = groundColor * 0.8
            l.cover(skyColor, up)
            let diffuse = (n.dot(keyView) * 0.8 + 0.2).saturated
            let under = 0.35 + 0.65 * ramp(0.25, 0.75, (x * 0.9).squared + (top - 0.05).squared * 0.6 + 0.1)
            light = (l + keyColor * diffuse) * under + rimColor * (high(n.dot(rimView), 0.0) * 0.25)
        }
        switch t.clothes {
        case .crew:
            cloth.cover(skin, inside(ax - 0.5 + top * 0.9) * inside(top - 0.2))
        case .vNeck:
            cloth.cover(skin, inside(ax - 0.52 + top * 0.75))
        case .turtleneck:
            break
        case .shirt, .suit:
            let shirt = Colors(palette.shirt)
            if t.clothes == .suit { cloth.cover(shirt, inside(ax - 0.5 + top * 0.55)) } else { cloth = shirt }
            if !t.necktie { cloth.cover(skin, inside(ax - 0.3 + top * 0.95)) }
            let collar = inside((ax - 0.42 + top * 0.5).magnitude - 0.12) * inside(top - 0.3)
            cloth.cover(shirt * 1.1, collar)
            cloth = cloth * (1.0 - 0.3 * inside((ax - 0.3 + top * 0.5).magnitude - 0.015) * inside(top - 0.3))
            if t.necktie {
                let stripes = 0.85 + 0.3 * ramp(-0.1, 0.1, ((x + y) * 4.5).wave)
                let width = 0.09 + high(top - 0.2, 0.0) * 0.25 + 0.06 * hill((top - 0.1) * 7.0)
                cloth.cover(Colors(palette.accent) * stripes, inside(ax - width))
            }
        }
        return cloth * light
    }
}
