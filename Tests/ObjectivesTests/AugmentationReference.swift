import Foundation
import Objectives
import Settings
import Torch

/// The random values of one picture, consumed in order by scalar arithmetic. The augmentation must agree with it.
struct ReferenceDraws {
    private var uniforms, normals: ArraySlice<Double>

    init(_ draws: AugmentationDraws, picture: Int) {
        let values = draws.values[picture].doubles()
        (uniforms, normals) = (values[..<32], values[32...])
    }

    mutating func uniform() -> Double { uniforms.removeFirst() }

    mutating func number(in range: Range<Double>) -> Double {
        range.lowerBound + uniform() * (range.upperBound - range.lowerBound)
    }

    mutating func choice(of count: Int) -> Int { min(Int(uniform() * Double(count)), count - 1) }

    mutating func normal(_ deviation: Double) -> Double { normals.removeFirst() * deviation }

    mutating func happens(_ probability: Double) -> Bool { uniform() < probability }
}

/// Affine map of the plane, in pixels relative to the center of a picture; x to the right, y down.
struct ReferenceMap {
    /// x' = xx x + xy y + x0, y' = yx x + yy y + y0.
    var xx = 1.0, xy = 0.0, x0 = 0.0, yx = 0.0, yy = 1.0, y0 = 0.0

    static func scale(_ x: Double, _ y: Double) -> Self { Self(xx: x, yy: y) }

    static func translation(_ x: Double, _ y: Double) -> Self { Self(x0: x, y0: y) }

    /// Clockwise, in radians.
    static func rotation(_ radians: Double) -> Self {
        let (c, s) = (cos(radians), sin(radians))
        return Self(xx: c, xy: -s, yx: s, yy: c)
    }

    /// This map, followed by another.
    func then(_ next: Self) -> Self {
        Self(
            xx: next.xx * xx + next.xy * yx, xy: next.xx * xy + next.xy * yy,
            x0: next.xx * x0 + next.xy * y0 + next.x0, yx: next.yx * xx + next.yy * yx,
            yy: next.yx * xy + next.yy * yy, y0: next.yx * x0 + next.yy * y0 + next.y0)
    }

    var inverse: Self {
        let determinant = xx * yy - xy * yx
        let (a, b) = (yy / determinant, -xy / determinant)
        let (c, d) = (-yx / determinant, xx / determinant)
        return Self(xx: a, xy: b, x0: -(a * x0 + b * y0), yx: c, yy: d, y0: -(c * x0 + d * y0))
    }

    /// Maps [N, 2, 3] for `Warp`.
    static func tensor(_ maps: [Self]) -> Tensor {
        Tensor(
            doubles: maps.flatMap { [$0.xx, $0.xy, $0.x0, $0.yx, $0.yy, $0.y0] }, shape: [maps.count, 2, 3])
    }
}

/// Scalar computation of the parameters of one picture.
enum Reference {
    /// Parameters of ADA (Karras et al. 2020, appendix B); those that do not occur have their identity.
    static func ada(
        _ given: ReferenceDraws, _ settings: AugmentSettings, probability: Double, of size: PictureSize
    ) -> [ADAParameter: Double] {
        var drawn = given
        var found: [ADAParameter: Double] = [:]
        let (width, height) = (Double(size.width), Double(size.height))
        func set(_ values: [ADAParameter: Double], _ happens: Bool) {
            if happens { found.merge(values) { $1 } }
        }
        let (blit, geometry) = (settings.blit * probability, settings.geometry * probability)
        var happens = drawn.happens(blit)
        set([.mirrored: Double(drawn.choice(of: 2))], happens)
        happens = drawn.happens(blit)
        set([.quarterTurns: Double(drawn.choice(of: 4))], happens)
        happens = drawn.happens(blit)
        let (right, down) = (drawn.number(in: -0.125..<0.125), drawn.number(in: -0.125..<0.125))
        set([.shiftX: (right * width).rounded(), .shiftY: (down * height).rounded()], happens)

        let either = 1 - (1 - geometry).squareRoot()
        happens = drawn.happens(geometry)
        set([.scale: exp2(drawn.normal(0.2))], happens)
        happens = drawn.happens(either)
        set([.rotationBefore: drawn.number(in: -Double.pi..<Double.pi)], happens)
        happens = drawn.happens(geometry)
        set([.stretch: exp2(drawn.normal(0.2))], happens)
        happens = drawn.happens(either)
        set([.rotationAfter: drawn.number(in: -Double.pi..<Double.pi)], happens)
        happens = drawn.happens(geometry)
        set([.moveX: drawn.normal(0.125) * width, .moveY: drawn.normal(0.125) * height], happens)

        let color = settings.color * probability
        happens = drawn.happens(color)
        set([.brightness: drawn.normal(0.2)], happens)
        happens = drawn.happens(color)
        set([.contrast: exp2(drawn.normal(0.5))], happens)
        happens = drawn.happens(color)
        set([.lumaFlipped: Double(drawn.choice(of: 2))], happens)
        happens = drawn.happens(color)
        set([.hue: drawn.number(in: -Double.pi..<Double.pi)], happens)
        happens = drawn.happens(color)
        set([.saturation: exp2(drawn.normal(1))], happens)
        for band in [ADAParameter.band0, .band1, .band2, .band3] {
            happens = drawn.happens(settings.filter * probability)
            set([band: exp2(drawn.normal(1))], happens)
        }

        let corruption = settings.corruption * probability
        happens = drawn.happens(corruption)
        set([.noise: drawn.normal(0.1)], happens)
        happens = drawn.happens(corruption)
        let (x, y) = (drawn.uniform(), drawn.uniform())
        func pixel(_ position: Double, _ side: Double) -> Double { (position * side).rounded() }
        set(
            [
                .left: pixel(x - 0.25, width), .right: pixel(x + 0.25, width), .top: pixel(y - 0.25, height),
                .bottom: pixel(y + 0.25, height),
            ], happens)
        return found
    }

    /// The geometry of parameters, operation by operation: from positions in the picture to positions in the result.
    static func map(_ found: [ADAParameter: Double]) -> ReferenceMap {
        func value(_ parameter: ADAParameter) -> Double { found[parameter] ?? parameter.identity }
        let stretch = value(.stretch)
        let (c, s) = [(1.0, 0.0), (0, 1), (-1, 0), (0, -1)][Int(value(.quarterTurns))]
        return ReferenceMap.scale(value(.mirrored) == 1 ? -1 : 1, 1)
            .then(ReferenceMap(xx: c, xy: -s, yx: s, yy: c))
            .then(.translation(value(.shiftX), value(.shiftY))).then(.scale(value(.scale), value(.scale)))
            .then(.rotation(value(.rotationBefore))).then(.scale(stretch, 1 / stretch))
            .then(.rotation(value(.rotationAfter))).then(.translation(value(.moveX), value(.moveY)))
    }

    /// Parameters of DiffAugment (Zhao et al. 2020, section 3.2); those that do not occur have their identity.
    static func diffAugment(_ given: ReferenceDraws, _ settings: AugmentSettings, of size: PictureSize)
        -> [DiffAugmentParameter: Double]
    {
        var drawn = given
        let happens = drawn.happens(settings.probability.value(atKimg: 0))
        let light = drawn.number(in: -0.5..<0.5)
        let (colors, difference) = (drawn.number(in: 0..<2), drawn.number(in: 0.5..<1.5))
        func shift(_ side: Int) -> Double {
            let limit = (side + 4) / 8
            return Double(drawn.choice(of: 2 * limit + 1) - limit)
        }
        let (right, down) = (shift(size.width), shift(size.height))
        func interval(_ side: Int) -> (Double, Double) {
            let length = (side + 1) / 2
            let start = drawn.choice(of: side + (length % 2 == 0 ? 1 : 0)) - length / 2
            return (Double(start), Double(start + length))
        }
        let (columns, rows) = (interval(size.width), interval(size.height))
        var found: [DiffAugmentParameter: Double] = [:]
        guard happens else { return found }
        if settings.recolor {
            found.merge([.brightness: light, .saturation: colors, .contrast: difference]) { $1 }
        }
        if settings.translate { found.merge([.shiftX: right, .shiftY: down]) { $1 } }
        if settings.cutOut {
            found.merge([.left: columns.0, .right: columns.1, .top: rows.0, .bottom: rows.1]) { $1 }
        }
        return found
    }
}

extension ParameterTable {
    /// Parameters of pictures; those that are not given have their identity.
    init(pictures: [[Parameter: Double]]) {
        let values = pictures.flatMap { given in Parameter.allCases.map { given[$0] ?? $0.identity } }
        self.init(Tensor(doubles: values, shape: [pictures.count, Parameter.allCases.count]))
    }

    /// Parameters of pictures from successive columns of numbers.
    init(rows: [[Double]], _ parameters: [Parameter]) {
        self.init(pictures: rows.map { Dictionary(uniqueKeysWithValues: zip(parameters, $0)) })
    }
}
