import Imaging

extension Portrait {
    /// The five landmarks of CelebA in pixels.
    var landmarks: [SIMD2<Float>] {
        let reach = head.mouthReach
        let corner = head.mouthLine(reach)
        return [
            surface(-head.eyeX, 0), surface(head.eyeX, 0), surface(0, head.noseY + 0.04),
            surface(-reach, corner), surface(reach, corner),
        ].map(project)
    }

    /// Renders the picture: RGB bytes in rows.
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

    /// Light of four pixels.
    private func color(_ x: Lanes, _ y: Lanes) -> Colors {
        let face = hitHead(x, y)
        let body = hitBody(x, y)
        let opaque = Lanes(0.999)
        let faceFills = face.map { !$0.coverage.anyBelow(opaque) } ?? false
        var strands: Hit?
        var hairAtFace = Lanes(1)
        if hair.exists {
            // Hair behind the face is not visible, and no hair covers a face that is far below it.
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
                // Parts of the face inside the hair, and hair in front of the face.
                let dips = (0.5 - hairAtFace * low(inversePixel * 0.8, 30.0)).saturated
                let hangs = ramp(0.05, 0.13, strands.depth - face.depth)
                front = high(dips, hangs) * strands.coverage
            }
            // Mixed before they cover the background, so that it is not visible at their common border.
            var surface = hairColor
            if front.anyBelow(opaque) { surface.cover(shadeSkin(face), 1.0 - front) }
            var free = face.coverage
            if let body { free *= 1.0 - ((body.depth - face.depth) * 16.0 + 0.5).saturated * body.coverage }
            c.cover(surface, free)
        }
        if traits.necklace {
            // The necklace is on neck and chest, behind the chin.
            var free = 1.0 - hairBeforeBody
            if let face { free *= 1.0 - face.coverage * ramp(0.2, 0.4, face.point.z) }
            drawNecklace(&c, x, y, visible: free)
        }
        drawAccessories(&c, x, y, face: face, hair: strands)
        return c
    }

    /// Draws accessories on the head.
    @inline(__always) private func drawAccessories(
        _ c: inout Colors, _ x: Lanes, _ y: Lanes, face: Hit?, hair: Hit?
    ) {
        if traits.earrings { drawEarrings(&c, x, y, face: face) }
        if traits.glasses != .none {
            let hairDepth = hair.map { $0.coverage.below(0.5, then: -9.0, else: $0.depth) } ?? Lanes(-9)
            drawGlasses(&c, x, y, face: face, hairDepth: hairDepth)
        }
        if traits.hat != .none, let top = hitHat(x, y) {
            var visible = top.coverage
            if let face { visible *= 1.0 - ramp(0.0, 0.05, face.depth - top.depth) * face.coverage }
            c.cover(shadeHat(top), visible)
        }
    }
}

extension Portrait {
    /// Converts light to bytes: blur, vignette, color grading, highlight compression and display curve.
    func developed(_ linear: [Colors], size: Int, groups: Int) -> Picture {
        let t = traits
        let warm = Colors([1 + 0.03 * t.grade, 1, 1 - 0.035 * t.grade])
        return Picture(width: size, height: size, channels: 3) { bytes in
            defer {
                if t.blur > 0 {
                    blur(bytes, size: size, radius: max(1, Int(Float(size) * t.blur / 72 + 0.5)))
                }
            }
            for row in 0..<size {
                let dy = (Float(row) + 0.5) / Float(size) - 0.5
                for group in 0..<groups {
                    var c = linear[row * groups + group] * warm
                    let first = Float(group * 4)
                    let dx = Lanes((SIMD4<Float>(0.5, 1.5, 2.5, 3.5) + first) * (1 / Float(size)) - 0.5)
                    let vignette = 1.0 - 0.28 * (dx.squared + Lanes(dy * dy))
                    c = c * vignette
                    c = Colors(shoulder(c.r), shoulder(c.g), shoulder(c.b))
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

    /// Simulates defocus with two box filters per axis.
    private func blur(_ bytes: UnsafeMutableBufferPointer<UInt8>, size: Int, radius: Int) {
        var line = [Int](repeating: 0, count: size)
        let width = 2 * radius + 1
        // First along rows, then along columns.
        for (step, stride) in [(3, size * 3), (3, size * 3), (size * 3, 3), (size * 3, 3)] {
            for start in 0..<size {
                for channel in 0..<3 {
                    let first = start * stride + channel
                    for i in 0..<size { line[i] = Int(bytes[first + i * step]) }
                    for i in 0..<size {
                        var sum = radius
                        for k in -radius...radius { sum += line[min(max(i + k, 0), size - 1)] }
                        bytes[first + i * step] = UInt8(sum / width)
                    }
                }
            }
        }
    }

    /// Maps light in 0...∞ to display values in 0.5...255.5.
    @inline(__always) private func shoulder(_ light: Lanes) -> Lanes {
        let x = high(light, 0.0)
        let pressed = x * (1.0 + x * 0.12) / (1.0 + x * 0.26)
        return low(pressed.root * 255.0 + 0.5, 255.0)
    }
}

/// Intersection of four parallel rays with a shape.
struct Hit: Sendable {
    /// The point in head space.
    var point: Points
    /// Depth towards the viewer in view space.
    var depth: Lanes
    /// Distance from the shape at `point`: about zero, more at a silhouette.
    var distance: Lanes
    /// Coverage of each pixel by the shape, 0...1.
    var coverage: Lanes
}

extension Portrait {
    @inline(__always) func headPoint(_ x: Lanes, _ y: Lanes, _ z: Lanes) -> Points {
        Points(anchor) + Points(right) * x + Points(up) * y + Points(out) * z
    }

    /// Depth at which rays enter the bounding volume of head or hair: a sphere around the skull and a column below
    /// it. Nil if all four rays miss it.
    @inline(__always) private func entry(
        _ x: Lanes, _ y: Lanes, radius: Float, column: Float, front: Float
    ) -> Lanes? {
        let d = Lanes(radius * radius) - (x - Lanes(skull.x)).squared - (y - Lanes(skull.y)).squared
        if !d.anyAbove(0.0) {
            let beside = (x - Lanes(skull.x)).magnitude - Lanes(column)
            if !beside.anyBelow(0.0) || !y.anyBelow(Lanes(skull.y)) { return nil }
        }
        return Lanes(skull.z) + high(high(d, 0.0).root, Lanes(front))
    }

    func hitHead(_ x: Lanes, _ y: Lanes) -> Hit? {
        guard let start = entry(x, y, radius: 1.27, column: 0.75, front: 0.45) else { return nil }
        return march(x, y, from: start, to: -1.5, step: 0.95) { head($0) }
    }

    /// Intersection with the hair.
    /// - Parameter behind: depth of the face, which hides the hair behind it.
    func hitHair(_ x: Lanes, _ y: Lanes, behind: Lanes) -> Hit? {
        let reach = hair.reach
        guard let start = entry(x, y, radius: reach.radius, column: reach.column, front: 0.5) else {
            return nil
        }
        return march(x, y, from: start, to: behind, step: hair.step) { hair($0, far: true) }
    }

    func hitHat(_ x: Lanes, _ y: Lanes) -> Hit? {
        guard let start = entry(x, y, radius: 1.75, column: 0, front: 0) else { return nil }
        return march(x, y, from: start, to: -1.2, step: 0.85) { hat($0) }
    }

    @inline(__always) private func march(
        _ x: Lanes, _ y: Lanes, from start: Lanes, to end: Lanes, step: Lanes, _ field: (Points) -> Lanes
    ) -> Hit? {
        let base = headPoint(x, y, 0.0)
        let axis = Points(out)
        let steps = pixel.v.x > 0.03 ? 14 : 24
        var z = start
        var nearest = Lanes(9)  // smallest distance, for the coverage; negative inside
        var hit = start
        var distance = Lanes(9)
        var least = Lanes(9)
        for _ in 0..<steps {
            let f = field(base + axis * z)
            let size = f.magnitude
            // A point on or inside the surface has priority over points near it.
            let error = f.below(0.003, then: size, else: f + 1.0)
            hit = error.below(least, then: z, else: hit)
            distance = error.below(least, then: f, else: distance)
            least = low(least, error)
            nearest = low(nearest, f)
            if !size.anyAbove(0.002) { break }
            z -= f * step
            if !(z - end).anyAbove(0.0) { break }
        }
        // Rays can end up to 0.004 before the surface.
        let coverage = (1.0 - (nearest - 0.004) * inversePixel).saturated
        if !coverage.anyAbove(0.0) { return nil }
        return Hit(point: base + axis * hit, depth: hit, distance: distance, coverage: coverage)
    }

    /// Outward normal in head space, smoothed over about a pixel.
    @inline(__always) func normal(_ hit: Hit, _ field: (Points) -> Lanes) -> Points {
        let e = low(high(pixel * 0.55, 0.012), 0.03)
        let p = hit.point
        return Points(
            field(Points(p.x + e, p.y, p.z)) - hit.distance, field(Points(p.x, p.y + e, p.z)) - hit.distance,
            field(Points(p.x, p.y, p.z + e)) - hit.distance
        ).normalized
    }
}
