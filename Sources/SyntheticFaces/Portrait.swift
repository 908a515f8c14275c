/// A face ready to be drawn: its shapes, colors, camera and lights, with everything that is the same for all pixels
/// computed once.
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

    /// The middle of the skull in view space.
    let skull: SIMD3<Float>

    // Directions in head space, colors of light.
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
