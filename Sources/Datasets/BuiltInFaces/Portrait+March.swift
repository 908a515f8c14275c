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
        var z = start
        var bestZ = start
        var best = Lanes(9)
        for _ in 0..<16 {
            let f = field(base + axis * z)
            bestZ = f.below(best, then: z, else: bestZ)
            best = low(best, f)
            if !f.anyAbove(0.002) { break }
            z -= f * step
            if !(z - end).anyAbove(0.0) { break }
        }
        // Rays end up to 0.004 before the surface.
        let coverage = (1.0 - (best - 0.004) * inversePixel).saturated
        if !coverage.anyAbove(0.0) { return nil }
        return Hit(point: base + axis * bestZ, depth: bestZ, distance: best, coverage: coverage)
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
