/// Shape of head, ears and neck: an approximate signed distance, negative inside.
///
/// Head space: the origin is between the pupils, inside the skull. x increases to the viewer's right of a frontal
/// face, y upwards, z out of the face. One unit is about 100 mm. Two smoothly joined ellipsoids (cranium and jaw) are
/// modified by bumps for the features of the face. Paired features use |x|.
struct HeadField: Sendable {
    /// An ellipsoid with its center in the plane x = 0.
    struct Ellipsoid: Sendable {
        let y, z, inverseX, inverseY, inverseZ, scale: Lanes

        init(y: Float, z: Float, radii: SIMD3<Float>) {
            self.y = Lanes(y)
            self.z = Lanes(z)
            inverseX = Lanes(1 / radii.x)
            inverseY = Lanes(1 / radii.y)
            inverseZ = Lanes(1 / radii.z)
            scale = Lanes((radii.x + radii.y + radii.z) / 3)
        }

        @inline(__always) func callAsFunction(_ p: Points) -> Lanes {
            let (a, b, c) = (p.x * inverseX, (p.y - y) * inverseY, (p.z - z) * inverseZ)
            return ((a * a + b * b + c * c).root - 1.0) * scale
        }
    }

    let cranium, jaw: Ellipsoid
    let halfWidth: Float  // of the face at the cheekbones
    let mouthY: Float
    let noseY: Float
    let chinY: Float
    let browY: Float
    let mouthReach: Float  // half the width of the mouth
    let mouthCurve: Float  // rise of its corners per squared distance from the middle
    let eyeX: Float

    private let ridge, socket, lid, bridge, tip, tipWidth, wing, wingX, cheekbone, fat, upperLip, lowerLip,
        chin: Lanes
    /// Height of the line between the lips.
    func mouthLine(_ x: Float) -> Float { mouthY + mouthCurve * (x * x - 0.3 * mouthReach * mouthReach) }

    private let hasBeard: Bool
    private let square, doubleChin, beard, inverseLipWidth: Lanes
    private let eyes, brows, nose, noseBottom, mouth, chinHeight, smile, smileMiddle, jawDrop, earX, neck,
        neckZ: Lanes

    init(_ t: FaceTraits) {
        let wide = 1 + 0.035 * t.headWidth + 0.05 * t.chubbiness
        let long = 1 + 0.03 * t.headLength
        let reach = 0.245 + 0.022 * t.mouthWidth + 0.06 * max(t.smile, 0)
        let curve = t.smile * (t.smile > 0 ? 1.2 : 0.8)
        let drop = 0.10 * t.mouthOpen * (t.smile > 0.4 ? 0.45 : 1)
        halfWidth = 0.72 * wide
        eyeX = 0.315 + 0.012 * t.eyeSpacing
        noseY = -0.47 * long
        mouthY = -0.715 * long
        chinY = -1.17 * long - drop * 0.6
        browY = 0.215 - (t.isMale ? 0.025 : 0)
        cranium = Ellipsoid(y: 0.21, z: -0.05, radii: [0.735 * wide, 0.87, 0.93])
        let jawRadius = (0.6 + 0.03 * t.jawWidth) * wide + 0.05 * t.chubbiness
        jaw = Ellipsoid(y: -0.43 * long, z: 0.215, radii: [jawRadius, 0.73 * long + drop * 0.6, 0.63])
        ridge = Lanes(t.isMale ? 0.05 : 0.02)
        socket = Lanes(0.115)
        lid = Lanes(0.07 + 0.01 * t.eyeSize)
        let size = 1 + 0.16 * t.noseSize
        bridge = Lanes((0.185 + (t.isMale ? 0.02 : 0)) * size)
        tip = Lanes(0.085 * size + 0.075 * t.nosePoint)
        tipWidth = Lanes(1 / (0.135 * size * (1 + 0.1 * t.noseWidth) - 0.03 * t.nosePoint))
        wing = Lanes(0.105 * size)
        wingX = Lanes((0.118 + 0.016 * t.noseWidth) * size - 0.03 * t.nosePoint)
        cheekbone = Lanes(0.015 + 0.06 * t.cheekbones + 0.03 * max(t.smile, 0))
        fat = Lanes(
            -0.03 - 0.03 * t.cheekbones + 0.11 * t.chubbiness - 0.02 * t.wrinkles + 0.03 * max(t.smile, 0))
        upperLip = Lanes(0.045 + 0.02 * t.lipFullness)
        lowerLip = Lanes(0.055 + 0.02 * t.lipFullness)
        chin = Lanes(0.09 + 0.03 * t.chin)
        square = Lanes(0.055 * t.jawSquare)
        doubleChin = Lanes(0.16 * t.doubleChin)
        hasBeard = t.beard > 0
        beard = Lanes(0.075 * t.beard)
        inverseLipWidth = Lanes(1 / (reach + 0.03))
        eyes = Lanes(eyeX)
        brows = Lanes(browY)
        nose = Lanes(noseY)
        noseBottom = Lanes(noseY - 0.1)
        mouth = Lanes(mouthY)
        chinHeight = Lanes(chinY + 0.13)
        mouthReach = reach
        mouthCurve = curve
        smile = Lanes(curve)
        smileMiddle = Lanes(0.3 * curve * reach * reach)
        jawDrop = Lanes(drop)
        earX = Lanes(halfWidth + 0.0)
        neck = Lanes((t.isMale ? 0.415 : 0.335) + 0.09 * t.chubbiness)
        neckZ = Lanes(-0.12)
    }

    /// The distance of points from the shape.
    func callAsFunction(_ p: Points) -> Lanes {
        let ax = p.x.magnitude
        let y = p.y
        let lower = y.anyBelow(-0.15)
        let upper = y.anyAbove(-0.5)
        var f = blend(cranium(p), jaw(p), 0.34)
        if p.z.anyAbove(0.22) {
            let front = (p.z * 2.2 - 0.5).saturated
            var h = noseRelief(ax, y)
            if upper { h += eyeRelief(ax, y) }
            if lower { h += mouthRelief(ax, y) }
            f -= h * front
        }
        if lower {
            // Corner of the jaw.
            let corner = hill((ax - 0.5) * 2.6, (y + 0.78) * 2.9)
            f -= square * corner * hill((p.z - 0.25) * 1.6)
        }
        if ax.anyAbove(0.5), upper {
            // Ears, leaning back.
            let lean = p.z + 0.1 + (y + 0.06) * 0.25
            let q = ((ax - earX) * 11.0).squared + ((y + 0.06) * 3.9).squared + (lean * 6.5).squared
            f = blend(f, (q - 1.0) * 0.055, 0.05)
        }
        if lower {
            let back = p.z - neckZ - (y + 0.9) * 0.12
            let column = (p.x.squared + back.squared).root - neck + high(y + 0.75, 0.0) * 1.2
            let throat = doubleChin * hill((y + 1.2) * 2.8, p.x * 1.7) * (p.z * 2.0).saturated
            f = blend(f, column - throat, 0.14)
        }
        return f
    }

    // Height of facial features above the ellipsoids, seen from the front.

    @inline(__always) private func eyeRelief(_ ax: Lanes, _ y: Lanes) -> Lanes {
        let ex = ax - eyes
        var h = ridge * hill((ax - 0.27) * 2.6, (y - 0.17) * 6.5)
        h -= socket * hill(ex * 3.7, (y - 0.03) * 4.6)
        h += lid * hill(ex * 5.0, (y + 0.005) * 7.5)
        return h
    }

    /// Bridge, tip and wings of the nose, and the cheeks.
    @inline(__always) private func noseRelief(_ ax: Lanes, _ y: Lanes) -> Lanes {
        let t = ((0.16 - y) * 1.65).saturated
        let fall = ramp(noseBottom, nose, y)
        let width = 6.2 - 0.2 * t
        var h = bridge * t * (0.55 + 0.45 * t) * fall * hill(ax * width)
        h += tip * hill(ax * tipWidth, (y - nose - 0.04) * 6.4)
        h += wing * hill((ax - wingX) * 10.5, (y - nose - 0.02) * 9.5)
        h += cheekbone * hill((ax - 0.43) * 3.3, (y + 0.2) * 4.2)
        h += fat * hill((ax - 0.42) * 2.4, (y + 0.56) * 2.5)
        return h
    }

    @inline(__always) private func mouthRelief(_ ax: Lanes, _ y: Lanes) -> Lanes {
        let dy = y - mouth
        var h = 0.095 * hill(ax * 2.5, dy * 3.0)
        let line = dy - smile * ax.squared + smileMiddle
        let across = high(1.0 - (ax * inverseLipWidth).squared, 0.0)
        h +=
            across
            * (upperLip * hill((line - 0.05) * 14.0) + lowerLip * hill((line + 0.065 + jawDrop) * 12.0))
        h -= 0.05 * hill(ax * 3.6, (dy + 0.19 + jawDrop) * 10.0)
        h += chin * hill(ax * 3.6, (y - chinHeight) * 4.4)
        guard hasBeard else { return h }
        let bearded = ramp(-0.42, -0.62, y - 0.28 * ax) - hill(ax * 3.2, (dy + 0.02) * 5.5)
        return h + beard * bearded.saturated
    }
}

/// Shape of a hat: an approximate signed distance in head space, negative inside.
struct HatField: Sendable {
    let kind: FaceTraits.Hat
    let cranium: HeadField.Ellipsoid
    /// Height of the edge of the hat, and its decrease towards the back.
    private let edge, tilt: Lanes

    init(_ t: FaceTraits, head: HeadField) {
        kind = t.hat
        cranium = head.cranium
        edge = Lanes(t.hat == .beanie ? 0.4 : 0.46)
        tilt = Lanes(t.hat == .beanie ? 0.22 : 0.1)
    }

    /// Height above the edge of the hat.
    @inline(__always) func rise(_ p: Points) -> Lanes { p.y - edge - tilt * (p.z - 0.6) - 0.08 * p.x.squared }

    func callAsFunction(_ p: Points) -> Lanes {
        let above = rise(p)
        let skull = cranium(p)
        switch kind {
        case .none:
            return Lanes(9)
        case .beanie:
            let slouch = 0.1 * ramp(0.7, 1.2, p.y)
            let dome = high(skull - 0.13 - slouch, -above)
            let band = high(skull - 0.175, high(-above, above - 0.25))
            return blend(dome, band, 0.03)
        case .cap:
            let dome = high(skull - 0.13, -above)
            let drop = p.y - edge + 0.16 * (p.z - 0.75) + 0.22 * p.x.squared
            let flat = (((p.x * 1.55).squared + ((p.z - 0.8) * 1.5).squared).root - 1.0) * 0.62
            return blend(dome, high(flat, drop.magnitude - 0.03), 0.04)
        case .brimmed:
            let crown = high(skull - 0.12 - 0.1 * ramp(0.7, 1.0, p.y), -above)
            let level = p.y - edge - 0.02 - tilt * (p.z - 0.6) - 0.12 * p.x.squared + 0.1 * high(p.z, 0.0)
            let disc = ((p.x * 0.8).squared + ((p.z + 0.05) * 0.76).squared).root - 1.0
            return blend(crown, high(disc, level.magnitude - 0.028), 0.07)
        }
    }
}
