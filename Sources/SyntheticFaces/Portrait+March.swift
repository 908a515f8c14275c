/// Where four parallel rays meet a shape.
struct Hit: Sendable {
    /// The point, in head space.
    var point: Points
    /// Depth towards the viewer in view space.
    var depth: Lanes
    /// Distance from the shape at `point`: about zero, more at a silhouette.
    var distance: Lanes
    /// How much of each pixel the shape covers, 0...1.
    var coverage: Lanes
}

extension Portrait {
    @inline(__always) func headPoint(_ x: Lanes, _ y: Lanes, _ z: Lanes) -> Points {
        Points(anchor) + Points(right) * x + Points(up) * y + Points(out) * z
    }

    /// Where rays enter the surroundings of head or hair: a ball around the skull and a column below it; nil when all
    /// four rays pass by.
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

    /// - Parameter behind: depths that hide the hair, where the face is.
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
        var nearest = Lanes(9)  // the least distance, for the coverage; negative once inside
        var hit = start
        var distance = Lanes(9)
        var least = Lanes(9)
        for _ in 0..<steps {
            let f = field(base + axis * z)
            let size = f.magnitude
            // A point on the surface or inside beats any that only passes near it.
            let error = f.below(0.003, then: size, else: f + 1.0)
            hit = error.below(least, then: z, else: hit)
            distance = error.below(least, then: f, else: distance)
            least = low(least, error)
            nearest = low(nearest, f)
            if !size.anyAbove(0.002) { break }
            z -= f * step
            if !(z - end).anyAbove(0.0) { break }
        }
        // Rays end up to 0.004 before the surface.
        let coverage = (1.0 - (nearest - 0.004) * inversePixel).saturated
        if !coverage.anyAbove(0.0) { return nil }
        return Hit(point: base + axis * hit, depth: hit, distance: distance, coverage: coverage)
    }

    /// The outward normal in head space, smoothed over about a pixel.
    @inline(__always) func normal(_ hit: Hit, _ field: (Points) -> Lanes) -> Points {
        let e = low(high(pixel * 0.55, 0.012), 0.03)
        let p = hit.point
        return Points(
            field(Points(p.x + e, p.y, p.z)) - hit.distance, field(Points(p.x, p.y + e, p.z)) - hit.distance,
            field(Points(p.x, p.y, p.z + e)) - hit.distance
        ).normalized
    }
}
