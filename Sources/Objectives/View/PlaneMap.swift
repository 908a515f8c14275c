import Foundation

/// An affine map of the plane, in pixels around the middle of a picture; x to the right, y down.
package struct PlaneMap: Equatable {
    /// x' = xx x + xy y + x0, y' = yx x + yy y + y0.
    package var xx = 1.0, xy = 0.0, x0 = 0.0, yx = 0.0, yy = 1.0, y0 = 0.0

    /// The identity.
    package init() {}

    package init(xx: Double, xy: Double, x0: Double, yx: Double, yy: Double, y0: Double) {
        (self.xx, self.xy, self.x0, self.yx, self.yy, self.y0) = (xx, xy, x0, yx, yy, y0)
    }

    package static func scale(_ x: Double, _ y: Double) -> PlaneMap {
        PlaneMap(xx: x, xy: 0, x0: 0, yx: 0, yy: y, y0: 0)
    }

    package static func translation(_ x: Double, _ y: Double) -> PlaneMap {
        PlaneMap(xx: 1, xy: 0, x0: x, yx: 0, yy: 1, y0: y)
    }

    /// Clockwise, as pictures are seen.
    package static func rotation(_ radians: Double) -> PlaneMap {
        let (c, s) = (cos(radians), sin(radians))
        return PlaneMap(xx: c, xy: -s, x0: 0, yx: s, yy: c, y0: 0)
    }

    /// Clockwise, in exact numbers.
    package static func quarterTurns(_ count: Int) -> PlaneMap {
        let (c, s) = [(1.0, 0.0), (0, 1), (-1, 0), (0, -1)][count % 4]
        return PlaneMap(xx: c, xy: -s, x0: 0, yx: s, yy: c, y0: 0)
    }

    /// This map, then another.
    package func then(_ next: PlaneMap) -> PlaneMap {
        PlaneMap(
            xx: next.xx * xx + next.xy * yx, xy: next.xx * xy + next.xy * yy,
            x0: next.xx * x0 + next.xy * y0 + next.x0, yx: next.yx * xx + next.yy * yx,
            yy: next.yx * xy + next.yy * yy, y0: next.yx * x0 + next.yy * y0 + next.y0)
    }

    package var inverse: PlaneMap {
        let determinant = xx * yy - xy * yx
        let (a, b) = (yy / determinant, -xy / determinant)
        let (c, d) = (-yx / determinant, xx / determinant)
        return PlaneMap(xx: a, xy: b, x0: -(a * x0 + b * y0), yx: c, yy: d, y0: -(c * x0 + d * y0))
    }

    /// Row by row.
    var numbers: [Double] { [xx, xy, x0, yx, yy, y0] }
}
