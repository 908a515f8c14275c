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
