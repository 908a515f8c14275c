import Imaging

/// The colors of a face in linear light.
struct FacePalette: Sendable {
    let skin, blush, lips, iris, brow, hair, hairLight, hairTips, cloth, accent, shirt, frame, lens, hatMain,
        hatBand: SIMD3<Float>
    let backA, backB, backC: SIMD3<Float>

    init(_ t: FaceTraits) {
        var random = RandomStream(face: 1, seed: t.pattern)
        skin = Self.skin(t)
        let dark = t.tone
        blush = skin * SIMD3(1.0, 0.56 + 0.1 * dark, 0.52 + 0.1 * dark) * (1.02 - 0.1 * dark)
        let natural = skin * SIMD3(0.86, 0.5, 0.47)
        let painted = Self.linear(
            Self.ramp(
                [
                    [0.80, 0.30, 0.33], [0.72, 0.12, 0.17], [0.60, 0.08, 0.20], [0.84, 0.38, 0.42],
                    [0.55, 0.16, 0.18],
                ], t.lipHue))
        lips = natural + (painted - natural) * (t.lipstick * 0.8)
        let irises: [SIMD3<Float>] = [
            [0.24, 0.13, 0.07], [0.40, 0.25, 0.11], [0.28, 0.48, 0.66], [0.34, 0.47, 0.28],
            [0.45, 0.51, 0.54],
        ]
        iris = Self.linear(irises[t.iris])
        let pair: (SIMD3<Float>, SIMD3<Float>)
        switch t.hairColor {
        case .black: pair = ([0.055, 0.05, 0.055], [0.13, 0.105, 0.095])
        case .brown: pair = ([0.20, 0.12, 0.08], [0.42, 0.28, 0.18])
        case .blond: pair = ([0.60, 0.45, 0.27], [0.87, 0.74, 0.52])
        case .gray: pair = ([0.50, 0.49, 0.49], [0.86, 0.85, 0.84])
        case .red: pair = ([0.42, 0.17, 0.09], [0.66, 0.33, 0.17])
        }
        var base = pair.0 + (pair.1 - pair.0) * t.hairShade
        let gray: SIMD3<Float> = [0.62, 0.61, 0.6]
        if t.hairColor != .gray { base += (gray - base) * (t.grayness * 0.5) }
        hair = Self.linear(base)
        hairLight = Self.linear(base * 0.75 + SIMD3(0.25, 0.235, 0.21))
        hairTips = Self.linear(base * SIMD3(1.12, 1.06, 0.98))
        let browBase = t.hairColor == .gray ? base * 0.62 : base * 0.72
        brow = Self.linear(browBase) * 0.85 + skin * 0.06
        cloth = Self.cloth(hue: t.clothHue, shade: t.clothShade, suit: t.clothes == .suit)
        accent = Self.linear(Self.hue(t.accentHue, saturation: 0.65, value: 0.55))
        shirt = Self.linear(Self.hue(t.clothHue, saturation: 0.06 + 0.12 * random.uniform(), value: 0.9))
        let frames: [SIMD3<Float>] = [
            [0.07, 0.07, 0.08], [0.28, 0.16, 0.09], [0.62, 0.50, 0.30], [0.35, 0.08, 0.10],
            [0.55, 0.57, 0.6],
        ]
        frame = Self.linear(frames[t.frame % 5])
        lens = t.glasses == .sun ? [0.012, 0.012, 0.016] : [0.8, 0.85, 0.9]
        hatMain = Self.linear(
            Self.hue(
                t.accentHue, saturation: 0.25 + 0.45 * random.uniform(), value: 0.22 + 0.5 * random.uniform())
        )
        hatBand = Self.linear(Self.hue(t.clothHue, saturation: 0.5, value: 0.3 + 0.3 * random.uniform()))
        let value = 0.22 + 0.6 * t.backShade
        let second = t.backHue + random.uniform(in: -0.12...0.12)
        backA = Self.linear(Self.hue(t.backHue, saturation: t.backSaturation, value: value))
        backB = Self.linear(
            Self.hue(
                second, saturation: t.backSaturation * 0.9, value: value * random.uniform(in: 0.45...0.8)))
        backC = Self.linear(
            Self.hue(second + 0.08, saturation: t.backSaturation * 0.6, value: min(1, value * 1.35 + 0.1)))
    }

    /// sRGB to linear light with an exponent of 2, the inverse of the square root at the end of rendering.
    static func linear(_ c: SIMD3<Float>) -> SIMD3<Float> { c * c }

    private static func ramp(_ stops: [SIMD3<Float>], _ at: Float) -> SIMD3<Float> {
        let x = min(max(at, 0), 0.9999) * Float(stops.count - 1)
        let i = Int(x)
        return stops[i] + (stops[i + 1] - stops[i]) * (x - Float(i))
    }

    private static func skin(_ t: FaceTraits) -> SIMD3<Float> {
        let stops: [SIMD3<Float>] = [
            [0.965, 0.845, 0.775], [0.935, 0.775, 0.675], [0.89, 0.70, 0.58], [0.81, 0.60, 0.46],
            [0.69, 0.48, 0.35],
            [0.56, 0.375, 0.27], [0.43, 0.28, 0.20], [0.32, 0.205, 0.15],
        ]
        let c = ramp(stops, t.tone) * (SIMD3<Float>(1, 1, 1) + SIMD3<Float>(-0.012, 0.006, -0.03) * t.warmth)
        return linear(c)
    }

    private static func cloth(hue: Float, shade: Float, suit: Bool) -> SIMD3<Float> {
        if suit {
            return linear(Self.hue(0.6 + 0.06 * hue, saturation: 0.3 * shade, value: 0.13 + 0.2 * shade))
        }
        return linear(Self.hue(hue, saturation: 0.15 + 0.5 * (1 - shade), value: 0.2 + 0.65 * shade))
    }

    /// Hue 0...1 (red, green, blue; wraps), saturation and value to RGB.
    private static func hue(_ h: Float, saturation: Float, value: Float) -> SIMD3<Float> {
        let x = (h - h.rounded(.down)) * 6
        func channel(_ offset: Float) -> Float {
            var d = x - offset
            if d > 3 { d -= 6 }
            if d < -3 { d += 6 }
            let k = min(max(2 - abs(d), 0), 1)
            return value * (1 - saturation + saturation * k)
        }
        return [channel(0), channel(2), channel(4)]
    }
}
