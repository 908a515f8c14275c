extension Portrait {
    /// The light on hair: strands with two shifted highlights (after Kajiya and Kay 1989), darker towards the head.
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

    /// The brightness of the strand at a point, -1...1, and the direction of growth.
    private func flow(_ p: Points, _ n: Points) -> (strand: Lanes, tangent: Points) {
        let t = traits
        let phase = Lanes(Float((t.pattern >> 10) & 1023) / 1024)
        let combedBack = t.hairStyle == .short || t.hairStyle == .swept || t.hairStyle == .buzzed
        let partX = Lanes(t.part * 0.9)
        // Where strands hang down, they differ by their angle round the head; where combed, by their place across.
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
        // Growth: downward on the surface, or backward where combed.
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
