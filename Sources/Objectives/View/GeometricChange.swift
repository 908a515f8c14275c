import Foundation

/// ADA's pixel blitting and general geometry of one picture (Karras et al. 2020, appendix B).
package struct GeometricChange: Equatable {
    package var isMirrored = false
    /// Clockwise, 0...3.
    package var quarterTurns = 0
    /// Whole pixels.
    package var shiftX = 0, shiftY = 0
    /// Above 1: larger.
    package var scale = 1.0
    /// Radians, clockwise; before and after the stretch.
    package var turnBefore = 0.0, turnAfter = 0.0
    /// Multiplies widths and divides heights.
    package var stretch = 1.0
    /// Pixels.
    package var moveX = 0.0, moveY = 0.0

    /// No change.
    package init() {}

    /// Draws, in the paper's order.
    init(drawn: inout PictureDraws, blit: Double, geometry: Double, of size: PictureSize) {
        let (width, height) = (Double(size.width), Double(size.height))
        let mirrors = drawn.happens(blit)
        let side = drawn.choice(of: 2)
        if mirrors { isMirrored = side == 1 }
        let turns = drawn.happens(blit)
        let quarters = drawn.choice(of: 4)
        if turns { quarterTurns = quarters }
        let shifts = drawn.happens(blit)
        let (right, down) = (drawn.number(in: -0.125..<0.125), drawn.number(in: -0.125..<0.125))
        if shifts { (shiftX, shiftY) = (Int((right * width).rounded()), Int((down * height).rounded())) }

        let scales = drawn.happens(geometry)
        let octaves = drawn.normal(0.2)
        if scales { scale = exp2(octaves) }
        // Either of the two rotations happens with the probability of the others.
        let either = 1 - (1 - geometry).squareRoot()
        let turnsBefore = drawn.happens(either)
        let angleBefore = drawn.number(in: -Double.pi..<Double.pi)
        if turnsBefore { turnBefore = angleBefore }
        let stretches = drawn.happens(geometry)
        let stretchOctaves = drawn.normal(0.2)
        if stretches { stretch = exp2(stretchOctaves) }
        let turnsAfter = drawn.happens(either)
        let angleAfter = drawn.number(in: -Double.pi..<Double.pi)
        if turnsAfter { turnAfter = angleAfter }
        let moves = drawn.happens(geometry)
        let (x, y) = (drawn.normal(0.125), drawn.normal(0.125))
        if moves { (moveX, moveY) = (x * width, y * height) }
    }

    /// All in one, from places in the picture to places in the view.
    package var map: PlaneMap {
        PlaneMap.scale(isMirrored ? -1 : 1, 1).then(.quarterTurns(quarterTurns))
            .then(.translation(Double(shiftX), Double(shiftY))).then(.scale(scale, scale))
            .then(.rotation(turnBefore)).then(.scale(stretch, 1 / stretch)).then(.rotation(turnAfter))
            .then(.translation(moveX, moveY))
    }
}
