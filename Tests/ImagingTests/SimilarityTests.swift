import Imaging
import Testing

@Suite struct SimilarityTests {
    static let points = [(10.0, 20.0), (60, 22), (35, 50), (18, 80), (55, 78)].map {
        PicturePoint(x: $0.0, y: $0.1)
    }

    private func near(_ a: Similarity, _ b: Similarity, _ tolerance: Double = 1e-6) -> Bool {
        zip([a.a, a.b, a.dx, a.dy], [b.a, b.b, b.dx, b.dy]).allSatisfy { abs($0 - $1) < tolerance }
    }

    @Test(arguments: [
        (1.0, 0.0, 0.0, 0.0), (0.25, 30, -7, 1000), (3, -171, 0.5, -0.25), (1, 90, 12, 8), (40, 45, -900, 2),
    ])
    func isRecoveredFromPoints(scale: Double, degrees: Double, dx: Double, dy: Double) throws {
        let known = Similarity(scale: scale, degrees: degrees, dx: dx, dy: dy)
        let found = try #require(Similarity(from: Self.points, to: Self.points.map { known($0) }))
        #expect(near(found, known))
        #expect(abs(found.scale - scale) < 1e-6 && abs(found.degrees - degrees) < 1e-6)
        #expect(near(known.then(known.inverse), .identity) && near(known.inverse.then(known), .identity))
        let twice = known.then(known)
        for point in Self.points {
            #expect(twice(point).distance(to: known(known(point))) < 1e-6)
            #expect(known.inverse(known(point)).distance(to: point) < 1e-6)
        }
    }

    /// No similarity near the found one brings points nearer to their targets.
    @Test func isTheLeastSquares() throws {
        let targets = Self.points.enumerated().map { index, point in
            PicturePoint(x: 2 * point.x + Double(index * index), y: 2 * point.y - Double(7 * index % 5))
        }
        let weights = [1.0, 1, 0.25, 2, 1]
        let found = try #require(Similarity(from: Self.points, to: targets, weights: weights))
        func loss(_ t: Similarity) -> Double {
            zip(zip(Self.points, targets), weights).map { pair, weight in
                let distance = t(pair.0).distance(to: pair.1)
                return weight * distance * distance
            }.reduce(0, +)
        }
        for step in [1e-4, -1e-4] {
            for other in [
                Similarity(a: found.a + step, b: found.b, dx: found.dx, dy: found.dy),
                Similarity(a: found.a, b: found.b + step, dx: found.dx, dy: found.dy),
                Similarity(a: found.a, b: found.b, dx: found.dx + step, dy: found.dy),
                Similarity(a: found.a, b: found.b, dx: found.dx, dy: found.dy + step),
            ] { #expect(loss(other) > loss(found)) }
        }
    }

    /// Mirrored points are met as well as turning can.
    @Test func nothingIsMirrored() throws {
        let mirrored = Self.points.map { PicturePoint(x: -$0.x, y: $0.y) }
        let found = try #require(Similarity(from: Self.points, to: mirrored))
        #expect(found.scale < 1)
    }

    @Test func onePlaceDecidesNothing() {
        let place = [PicturePoint](repeating: PicturePoint(x: 3, y: 4), count: 5)
        #expect(Similarity(from: place, to: Self.points) == nil)
        #expect(Similarity(from: Self.points, to: place) == nil)
        #expect(Similarity(from: [], to: []) == nil)
    }
}
