import Imaging

extension Portrait {
    /// The five points that CelebA marks, in pixels.
    var landmarks: [SIMD2<Float>] {
        let reach = head.mouthReach
        let corner = head.mouthLine(reach)
        return [
            surface(-head.eyeX, 0), surface(head.eyeX, 0), surface(0, head.noseY + 0.04),
            surface(-reach, corner), surface(reach, corner),
        ].map(project)
    }

    /// Draws the picture: RGB bytes, row by row.
    func render(size: Int) -> Picture {
        let groups = (size + 3) / 4
        var linear = [Colors](repeating: Colors(.zero, .zero, .zero), count: groups * size)
        linear.withUnsafeMutableBufferPointer { rows in
            for row in 0..<size {
                let y = Lanes(viewY(Float(row)))
                for group in 0..<groups {
                    let x = Lanes(
                        SIMD4(
                            viewX(Float(group * 4)), viewX(Float(group * 4 + 1)), viewX(Float(group * 4 + 2)),
                            viewX(Float(group * 4 + 3))))
                    rows[row * groups + group] = color(x, y)
                }
            }
        }
        return developed(linear, size: size, groups: groups)
    }

    /// The light that reaches four pixels.
    private func color(_ x: Lanes, _ y: Lanes) -> Colors {
        let face = hitHead(x, y)
        let body = hitBody(x, y)
        let opaque = Lanes(0.999)
        let faceFills = face.map { !$0.coverage.anyBelow(opaque) } ?? false
        var strands: Hit?
        var hairAtFace = Lanes(1)
        if hair.exists {
            // Hair more than a little behind the face cannot be seen, and none hangs over a face well below it.
            var hidden = Lanes(-2.0)
            if let face {
                hidden = face.coverage.below(opaque, then: hidden, else: face.depth - 0.1)
                hairAtFace = hair(face.point)
            }
            if !faceFills || hair.isBulky || hairAtFace.anyBelow(HairField.clear) {
                strands = hitHair(x, y, behind: hidden)
            }
        }

        var c = faceFills ? Colors(.zero, .zero, .zero) : backdrop(x, y)
        var hairColor = c
        if let strands {
            hairColor = shadeHair(strands.point, normal(strands) { hair($0) })
            c.cover(hairColor, strands.coverage)
        }
        var hairBeforeBody = Lanes.zero
        if let body {
            if let strands {
                hairBeforeBody = ((strands.depth - body.depth) * 9.0 + 0.5).saturated * strands.coverage
            }
            c.cover(shadeBody(body), body.coverage * (1.0 - hairBeforeBody))
        }
        if let face {
            var front = Lanes.zero
            if let strands {
                // Where the face dips into the hair, and where hair hangs in front of it.
                let dips = (0.5 - hairAtFace * low(inversePixel * 0.8, 30.0)).saturated
                let hangs = ramp(0.05, 0.13, strands.depth - face.depth)
                front = high(dips, hangs) * strands.coverage
            }
            // Mixed before they cover the rest, so that nothing behind shines through their common border.
            var surface = hairColor
            if front.anyBelow(opaque) { surface.cover(shadeSkin(face), 1.0 - front) }
            var free = face.coverage
            if let body { free *= 1.0 - ((body.depth - face.depth) * 16.0 + 0.5).saturated * body.coverage }
            c.cover(surface, free)
        }
        if traits.necklace {
            // On neck and chest, behind the chin.
            var free = 1.0 - hairBeforeBody
            if let face { free *= 1.0 - face.coverage * ramp(0.2, 0.4, face.point.z) }
            wearNecklace(&c, x, y, visible: free)
        }
        wear(&c, x, y, face: face, hair: strands)
        return c
    }

    /// Draws what is worn on the head over the rest.
    @inline(__always) private func wear(_ c: inout Colors, _ x: Lanes, _ y: Lanes, face: Hit?, hair: Hit?) {
        if traits.earrings { wearEarrings(&c, x, y, face: face) }
        if traits.glasses != .none {
            let hairDepth = hair.map { $0.coverage.below(0.5, then: -9.0, else: $0.depth) } ?? Lanes(-9)
            wearGlasses(&c, x, y, face: face, hairDepth: hairDepth)
        }
        if traits.hat != .none, let top = hitHat(x, y) {
            var visible = top.coverage
            if let face { visible *= 1.0 - ramp(0.0, 0.05, face.depth - top.depth) * face.coverage }
            c.cover(shadeHat(top), visible)
        }
    }
}
