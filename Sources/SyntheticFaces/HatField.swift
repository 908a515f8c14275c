/// The shape of a hat: an approximate signed distance in head space, negative inside.
struct HatField: Sendable {
    let kind: FaceTraits.Hat
    let cranium: HeadField.Ellipsoid
    /// How high the hat's edge sits, and how much it drops towards the back.
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
