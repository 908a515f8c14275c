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
