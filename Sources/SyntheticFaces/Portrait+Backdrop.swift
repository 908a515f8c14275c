import Imaging

extension Portrait {
    /// What is behind the person: plain paper, a lit wall, lights out of focus, or a window's glow.
    func backdrop(_ x: Lanes, _ y: Lanes) -> Colors {
        let t = traits
        var c = Colors(palette.backA)
        let across = x * Lanes(1 / span)
        let down = y * Lanes(1 / span)
        switch t.backdrop {
        case .plain:
            c.cover(Colors(palette.backB), ramp(0.2, 1.0, (across.squared + down.squared).root) * 0.5)
        case .gradient:
            let tilt = Lanes(t.lightAzimuth * 0.7)
            c.cover(Colors(palette.backB), ramp(0.75, -0.55, across * tilt + down))
            c.cover(Colors(palette.backC), hill((across - tilt * 0.4) * 1.6, (down - 0.1) * 1.6) * 0.55)
        case .window:
            c.cover(Colors(palette.backB), ramp(-0.5, 0.6, across * (Lanes(t.lightAzimuth > 0 ? -1 : 1))))
            let glow = hill((across - Lanes(t.lightAzimuth * 0.55)) * 2.3) * ramp(-0.6, 0.2, down)
            c.cover(Colors(palette.backC * 1.15), glow * 0.8)
            c = c * (0.94 + 0.06 * (across * 3.1 + 0.2).wave)
        case .bokeh:
            c.cover(Colors(palette.backB), ramp(0.5, -0.5, down))
            var random = RandomStream(face: 2, seed: t.pattern)
            for i in 0..<9 {
                let cx = random.uniform(in: -0.6...0.6)
                let cy = random.uniform(in: -0.5...0.55)
                let r = random.uniform(in: 0.05...0.16)
                let strength = random.uniform(in: 0.15...0.6)
                let d = ((across - Lanes(cx)).squared + (down - Lanes(cy)).squared).root - Lanes(r)
                let disc = (0.5 - d * 26.0).saturated * (0.75 + 0.25 * ramp(Lanes(-r), 0.0, d))
                c.cover(
                    Colors(i % 3 == 0 ? palette.backC * 1.1 : (i % 3 == 1 ? palette.backC : palette.backA)),
                    disc * Lanes(strength))
            }
        }
        return c
    }
}
