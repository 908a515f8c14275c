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
        var linear = [Colours](repeating: Colours(.zero, .zero, .zero), count: groups * size)
        linear.withUnsafeMutableBufferPointer { rows in
            for row in 0..<size {
                let y = Lanes(viewY(Float(row)))
                for group in 0..<groups {
                    let x = Lanes(
                        SIMD4(
                            viewX(Float(group * 4)), viewX(Float(group * 4 + 1)), viewX(Float(group * 4 + 2)),
                            viewX(Float(group * 4 + 3))))
                    rows[row * groups + group] = colour(x, y)
                }
            }
        }
        return developed(linear, size: size, groups: groups)
    }

    /// The light that reaches four pixels.
    private func colour(_ x: Lanes, _ y: Lanes) -> Colours {
        let face = hitHead(x, y)
        let body = hitBody(x, y)
        let opaque = Lanes(0.999)
        let faceFills = face.map { !$0.coverage.anyBelow(opaque) } ?? false
        // Hair more than a little behind the face cannot be seen.
        var hidden = Lanes(-2.0)
        if let face { hidden = face.coverage.below(opaque, then: hidden, else: face.depth - 0.1) }
        let strands = hair.exists ? hitHair(x, y, behind: hidden) : nil

        var c = faceFills ? Colours(.zero, .zero, .zero) : backdrop(x, y)
        if let strands {
            c.cover(shadeHair(strands.point, normal(strands) { hair($0) }), strands.coverage)
        }
        var hairBeforeBody = Lanes.zero
        if let body, !faceFills {
            if let strands {
                hairBeforeBody = ((strands.depth - body.depth) * 9.0 + 0.5).saturated * strands.coverage
            }
            c.cover(shadeBody(body), body.coverage * (1.0 - hairBeforeBody))
        }
        if let face {
            var visible = face.coverage
            if let strands {
                // Where the face dips into the hair, and where hair hangs in front of it.
                let dips = (0.5 - hair(face.point) * inversePixel * 0.8).saturated
                let hangs = ramp(0.05, 0.13, strands.depth - face.depth)
                visible *= 1.0 - high(dips, hangs) * strands.coverage
            }
            if visible.anyAbove(0.0) { c.cover(shadeSkin(face), visible) }
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
    @inline(__always) private func wear(_ c: inout Colours, _ x: Lanes, _ y: Lanes, face: Hit?, hair: Hit?) {
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

    /// From light to bytes: blur, vignette, colour grade, a soft shoulder and the display's curve.
    private func developed(_ linear: [Colours], size: Int, groups: Int) -> Picture {
        let t = traits
        let warm = Colours([1 + 0.03 * t.grade, 1, 1 - 0.035 * t.grade])
        return Picture(width: size, height: size, channels: 3) { bytes in
            for row in 0..<size {
                let dy = (Float(row) + 0.5) / Float(size) - 0.5
                for group in 0..<groups {
                    var c = linear[row * groups + group] * warm
                    let first = Float(group * 4)
                    let dx = Lanes((SIMD4<Float>(0.5, 1.5, 2.5, 3.5) + first) * (1 / Float(size)) - 0.5)
                    let vignette = 1.0 - 0.28 * (dx.squared + Lanes(dy * dy))
                    c = c * vignette
                    c = Colours(shoulder(c.r), shoulder(c.g), shoulder(c.b))
                    for lane in 0..<min(4, size - group * 4) {
                        let at = (row * size + group * 4 + lane) * 3
                        bytes[at] = UInt8(c.r.v[lane])
                        bytes[at + 1] = UInt8(c.g.v[lane])
                        bytes[at + 2] = UInt8(c.b.v[lane])
                    }
                }
            }
        }
    }

    /// 0...∞ of light to 0.5...255.5 of display value.
    @inline(__always) private func shoulder(_ light: Lanes) -> Lanes {
        let x = high(light, 0.0)
        let pressed = x * (1.0 + x * 0.12) / (1.0 + x * 0.26)
        return low(pressed.root * 255.0 + 0.5, 255.0)
    }
}
