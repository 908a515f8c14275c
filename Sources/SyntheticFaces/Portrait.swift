import Imaging

/// A face prepared for rendering: its shapes, colors, camera and lights, and all values that are common to all
/// pixels.
struct Portrait: Sendable {
    let traits: FaceTraits
    let head: HeadField
    let hair: HairField
    let hat: HatField
    let palette: FacePalette

    /// Width of the picture in head units.
    let span: Float
    /// One pixel in head units, and its inverse.
    let pixel, inversePixel: Lanes
    private let originX, originY: Float

    /// Head space from view space: `anchor + right * x + up * y + out * z`.
    let right, up, out: SIMD3<Float>
    let anchor: SIMD3<Float> = [0, 0, 0.72]

    /// Center of the skull in view space.
    let skull: SIMD3<Float>

    // Directions in head space and colors of the lights.
    let key, rim, fill, half, skyward: Points
    let keyView, rimView: Points
    let keyColor, skyColor, groundColor, rimColor, fillColor: Colors

    init(_ t: FaceTraits, size: Int) {
        traits = t
        head = HeadField(t)
        hair = HairField(t, head: head)
        hat = HatField(t, head: head)
        palette = FacePalette(t)
        span = 2.68 / t.zoom
        pixel = Lanes(span / Float(size))
        inversePixel = Lanes(Float(size) / span)
        originX = -span * (0.5 + t.offsetX)
        originY = span * (0.455 + t.offsetY)

        let (sy, cy) = (Self.sine(t.yaw), Self.cosine(t.yaw))
        let (sp, cp) = (Self.sine(t.pitch), Self.cosine(t.pitch))
        let (sr, cr) = (Self.sine(t.roll), Self.cosine(t.roll))
        // Rows of roll * pitch * yaw.
        let pitched: (SIMD3<Float>, SIMD3<Float>, SIMD3<Float>) = (
            [cy, 0, sy], [sp * sy, cp, -sp * cy], [-cp * sy, sp, cp * cy]
        )
        right = pitched.0 * cr - pitched.1 * sr
        up = pitched.0 * sr + pitched.1 * cr
        out = pitched.2

        let (r, u, o) = (right, up, out)
        let middle = SIMD3<Float>(0, -0.06, -0.05) - anchor
        skull = [dot(middle, r), dot(middle, u), dot(middle, o)]
        func turned(_ v: SIMD3<Float>) -> Points { Points(r * v.x + u * v.y + o * v.z).normalized }
        let azimuth = t.lightAzimuth
        let keyDirection: SIMD3<Float> = [azimuth, 0.25 + 0.6 * t.lightHeight, 0.75 + 0.35 * t.contrast]
        let rimDirection: SIMD3<Float> = [azimuth > 0 ? -0.9 : 0.9, 0.35, -0.45]
        key = turned(keyDirection)
        rim = turned(rimDirection)
        fill = turned([-azimuth, 0.1, 0.8])
        skyward = turned([0, 1, 0])
        half = (key + turned([0, 0, 1])).normalized
        keyView = Points(keyDirection).normalized
        rimView = Points(rimDirection).normalized

        let warm = t.lightWarmth
        let strength = (0.78 + 0.3 * t.contrast) * t.exposure
        let ambient = (0.52 - 0.22 * t.contrast) * t.exposure
        let keyTint = SIMD3<Float>(1 + 0.07 * warm, 1, 1 - 0.1 * warm)
        let skyTint = SIMD3<Float>(0.96 - 0.05 * warm, 1, 1.06 + 0.06 * warm)
        keyColor = Colors(keyTint * strength)
        skyColor = Colors(skyTint * ambient)
        let bounce = palette.backA * 0.3 + palette.cloth * 0.1 + SIMD3<Float>(0.3, 0.26, 0.24)
        groundColor = Colors(bounce * ambient)
        rimColor = Colors((SIMD3<Float>(1, 1, 1) * 0.5 + palette.backC * 0.5) * (t.rim * 0.9))
        fillColor = Colors(skyTint * (0.1 + 0.08 * (1 - t.contrast)))
    }

    /// View coordinates of the center of a pixel.
    @inline(__always) func viewX(_ column: Float) -> Float { originX + (column + 0.5) * span * inverseSize }
    @inline(__always) func viewY(_ row: Float) -> Float { originY - (row + 0.5) * span * inverseSize }
    @inline(__always) private var inverseSize: Float { pixel.v.x / span }

    /// Picture coordinates (pixels, the first pixel's center at 0.5) of a point in head space.
    func project(_ p: SIMD3<Float>) -> SIMD2<Float> {
        let d = p - anchor
        let x = dot(d, right)
        let y = dot(d, up)
        return [(x - originX) * inversePixel.v.x, (originY - y) * inversePixel.v.x]
    }

    /// The point of the face's surface that a frontal viewer sees at `x`, `y`.
    func surface(_ x: Float, _ y: Float) -> SIMD3<Float> {
        var z: Float = 1.5
        for _ in 0..<24 { z -= 0.8 * head(Points([x, y, z])).v.x }
        return [x, y, z]
    }

    // Polynomials, since the platform's sine may differ in its last bit.
    private static func sine(_ x: Float) -> Float {
        let s = x * x
        return x * (1 - s / 6 * (1 - s / 20 * (1 - s / 42)))
    }

    private static func cosine(_ x: Float) -> Float {
        let s = x * x
        return 1 - s / 2 * (1 - s / 12 * (1 - s / 30 * (1 - s / 56)))
    }
}

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

extension Portrait {
    /// Stubble, beard, goatee, mustache and sideburns: hair painted on skin, thinner towards its borders.
    func paintBeard(_ c: inout Colors, _ gloss: inout Lanes, _ p: Points, _ front: Lanes) {
        let t = traits
        guard t.stubble + t.beard + t.goatee + t.mustache + t.sideburns > 0 else { return }
        let ax = p.x.magnitude
        let dy = p.y - Lanes(head.mouthY)
        let fine = inversePixel.v.x
        let strands =
            (p.x * 9.3 + (p.y * 2.3).wave * 0.35).wave * Lanes(0.5 * min(1, fine / 40))
            + (p.x * 17.0 - p.y * 3.1 * (p.x * 2.0)).wave * Lanes(0.4 * min(1, fine / 70))
        let ragged = strands * 0.03
        // The border runs from the ear down to the corner of the mouth and along the jaw.
        let outward = high(ax - 0.24, 0.0)
        let border = p.y + 0.6 - outward.squared * 2.3 + ragged
        let underJaw = ramp(-0.98, -1.16, p.y) * ramp(0.56, 0.36, p.z)
        let jaw = ramp(0.07, -0.07, border) * (1.0 - underJaw) * (p.z * 4.0 - 0.2).saturated
        let lips = hill(ax * 3.3, (dy + 0.02) * 7.0)
        let bare = hill(ax * 6.5, (dy + 0.16) * 16.0) * 0.5
        let stache = hill((ax - 0.12) * 3.7, (dy - 0.115 + ax * 0.3 + ragged * 0.4) * 10.5)
        let tuft = hill(ax * 4.1, (dy + 0.31 + ragged) * 4.3)
        let ring = hill((ax - 0.29) * 9.0, (dy + 0.1) * 4.2)
        let chinPart = high(ramp(0.04, 0.35, tuft), t.mustache > 0 ? ramp(0.15, 0.6, ring) * 0.8 : .zero)
        let lipPart = ramp(0.08, 0.42, stache) * front
        let side =
            ramp(0.52, 0.66, ax) * ramp(0.04, 0.16, p.z) * ramp(0.5, 0.28, p.z + ragged * 2.0)
            * ramp(-0.5, -0.22, p.y) * ramp(0.5, 0.3, p.y)

        let shaved = high(jaw * (1.0 - lips * 0.6), high(lipPart, chinPart))
        var amount = shaved * Lanes(t.stubble * 0.8) * (0.95 + 0.1 * strands)
        amount = high(amount, jaw * (1.0 - (lips + bare).saturated * 0.9) * Lanes(t.beard * 0.96))
        amount = high(amount, chinPart * (1.0 - bare) * (1.0 - underJaw) * Lanes(t.goatee * 0.95))
        amount = high(amount, lipPart * Lanes(t.mustache * 0.96))
        amount = high(amount, side * Lanes(t.sideburns * 0.85))
        let hairs =
            t.stubble > 0
            ? Colors(palette.brow * 0.45 + palette.skin * SIMD3(0.2, 0.23, 0.27))
            : Colors(palette.brow) * (1.0 + strands * 0.75)
        c.cover(hairs, amount.saturated)
        gloss = gloss * (1.0 - amount.saturated * 0.8)
    }
}

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
