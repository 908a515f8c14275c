import Foundation
import Imaging
import ModelTestSupport
import Models
import Provenance
import Synthesis
import Testing
import Torch

@Suite struct InterpolationTests {
    let a = LatentSampler(LatentSpace(size: 64)).sample(seeds: [1]).z
    let b = LatentSampler(LatentSpace(size: 64)).sample(seeds: [2]).z

    private func angle(_ x: Tensor, _ y: Tensor) -> Double {
        acos((x * y).sum().item() / (x.norm().item() * y.norm().item()))
    }

    private func distance(_ x: Tensor, _ y: Tensor) -> Double { (x - y).norm().item() }

    @Test func endsAreTheSeeds() {
        for distribution in LatentSpace.Distribution.allCases {
            #expect(distance(interpolated(a, b, 0, distribution), a) < 1e-5)
            #expect(distance(interpolated(a, b, 1, distribution), b) < 1e-5)
        }
    }

    @Test func normalLatentsTurnEvenly() {
        let whole = angle(a, b)
        let (u, v) = (a / a.norm(), b / b.norm())
        for t in [0.1, 0.25, 0.5, 0.9] {
            let point = interpolated(u, v, t, .normal)
            #expect(abs(angle(u, point) - t * whole) < 1e-4)
            #expect(abs(point.norm().item() - 1) < 1e-5)
            // The reverse path has the same points.
            #expect(distance(interpolated(a, b, t, .normal), interpolated(b, a, 1 - t, .normal)) < 1e-5)
        }
    }

    /// A line has shorter vectors, which are rare in training.
    @Test func normalLatentsKeepTheirLength() {
        let shorter = min(a.norm().item(), b.norm().item())
        #expect(interpolated(a, b, 0.5, .normal).norm().item() > 0.95 * shorter)
        #expect(a.lerp(b, weight: 0.5).norm().item() < 0.9 * shorter)
    }

    @Test func parallelLatentsDoNotDivideByZero() {
        #expect(distance(interpolated(a, a * 2, 0.5, .normal), a * 1.5) < 1e-4)
        #expect(distance(interpolated(a, a, 0.3, .normal), a) < 1e-5)
    }

    @Test func uniformLatentsGoStraight() {
        #expect(distance(interpolated(a, b, 0.25, .uniform), a * 0.75 + b * 0.25) < 1e-5)
    }

    /// Every curve passes through all stops, and an open path ends at the last one.
    @Test(arguments: FilmPath.Curve.allCases, [true, false])
    func pathsPassThroughTheirStops(curve: FilmPath.Curve, isClosed: Bool) throws {
        let fixture = try ModelFixture.tiny()
        let sampler = try FaceSampler(fixture.path)
        let seeds: [UInt64] = [3, 8, 5]
        let path = FilmPath(curve, isClosed: isClosed)
        let film = try sampler.film(through: seeds.map { .seed($0) }, framesPerStep: 4, along: path)
        #expect(film.count == (isClosed ? 12 : 9) && film.count == path.frames(stops: 3, perStep: 4))
        let faces = sampler.faces(seeds: seeds)
        for (stop, face) in faces.enumerated() where isClosed || stop < 3 {
            #expect(film[4 * stop].picture == face.picture)
        }
        #expect(film[2].picture != film[0].picture && film[2].picture != film[4].picture)
    }

    /// A cubic path has the same speed on both sides of a stop: half of the way from the stop before to the one after.
    @Test func cubicPathsAreSmooth() {
        let stops = (0..<5).map { LatentSampler(LatentSpace(size: 64)).sample(seeds: [UInt64($0)]).z }
        let (first, second) = (Array(stops[0..<4]), Array(stops[1..<5]))
        let step = 1.0 / 256
        let before = (FilmPath.spline(first, 1) - FilmPath.spline(first, 1 - step)) * (1 / step)
        let after = (FilmPath.spline(second, step) - FilmPath.spline(second, 0)) * (1 / step)
        let expected = (stops[3] - stops[1]) * 0.5
        #expect(distance(before, expected) < 0.05 * expected.norm().item())
        #expect(distance(after, expected) < 0.05 * expected.norm().item())
        #expect(distance(FilmPath.spline(first, 0), stops[1]) < 1e-6)
        #expect(distance(FilmPath.spline(first, 1), stops[2]) < 1e-6)
    }

    @Test func filmsBeginAtTheirSeedsAndClose() throws {
        let fixture = try ModelFixture.tiny()
        let sampler = try FaceSampler(fixture.path)
        let film = try sampler.film(through: [.seed(3), .seed(8)], framesPerStep: 4)
        #expect(film.count == 8)
        #expect(film[0].picture == sampler.faces(seeds: [3])[0].picture)
        #expect(film[4].picture == sampler.faces(seeds: [8])[0].picture)
        // Both directions between two seeds have the same frames, except for rounding.
        let pairs = zip(film[1].picture.pixels, film[7].picture.pixels)
        #expect(pairs.allSatisfy { abs(Int($0) - Int($1)) <= 1 })
        #expect(film[1].picture != film[0].picture)
        #expect(film[0].origin["seeds"] == "3,8")
    }
}
