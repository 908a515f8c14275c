import Foundation
import Imaging
import Testing
import Torch

/// Which game covers a distribution: the same networks and optimizers, another objective.
@Suite struct RingTests {

    @Test(arguments: [0, 1] as [UInt64])
    func aPenalizedCriticCoversAllModes(seed: UInt64) {
        let game = RingGame.wassersteinWithPenalty(seed: seed)
        game.play(upTo: game.turns)
        let found = Ring.Coverage(withoutGradients { game.generate(2000) })
        #expect(found.modes == Ring.modes && found.good > 0.4, "\(found)")
    }

    @Test(arguments: [0, 1, 2] as [UInt64])
    func theSaturatingGameDropsModes(seed: UInt64) {
        let game = RingGame.saturating(seed: seed)
        game.play(upTo: game.turns)
        let found = Ring.Coverage(withoutGradients { game.generate(2000) })
        #expect(found.modes <= 5, "\(found)")
    }

    /// The judge itself: the ring has all, a part of it less, a cloud nothing.
    @Test func coverageTellsThemApart() {
        let random = RandomSource(seed: 0)
        let ring = Ring.sample(2000, random: random)
        let whole = Ring.Coverage(ring)
        #expect(whole.modes == Ring.modes && whole.good > 0.99)
        let half = Ring.Coverage(ring * Tensor([1, 0], shape: [1, 2]) + Tensor([0, 0], shape: [1, 2]))
        #expect(half.modes == 2 && half.good < 0.5)
        let cloud = Ring.Coverage(Tensor.normal([2000, 2], random: random))
        #expect(cloud.modes == 0 && cloud.good < 0.1)
    }

    /// Draws both games over their course for the documents.
    @Test(.enabled(if: ProcessInfo.processInfo.environment["FACEGAN_WRITE_PICTURES"] != nil))
    func picture() throws {
        let folder = try #require(ProcessInfo.processInfo.environment["FACEGAN_WRITE_PICTURES"])
        let real = Ring.sample(1000, random: RandomSource(seed: 7))
        let moments = [0.03, 0.1, 0.25, 0.5, 1]
        var (cells, captions): ([Picture], [String]) = ([], [])
        for (name, game) in [
            ("saturating", RingGame.saturating(seed: 1)), ("WGAN-GP", .wassersteinWithPenalty(seed: 1)),
        ] {
            for share in moments {
                game.play(upTo: Int(share * Double(game.turns)))
                let points = withoutGradients { game.generate(1000) }
                cells.append(Self.plot(real, points))
                captions.append(
                    "\(name), turn \(game.played): \(Ring.Coverage(points).modes) of \(Ring.modes)")
            }
        }
        let page = Grid.compose(cells, columns: moments.count, padding: 6, captions: captions)
        try Data(try PictureEncoder.png(page)).write(to: URL(fileURLWithPath: folder + "/ring.png"))
    }

    /// Real points in gray below generated ones.
    private static func plot(_ real: Tensor, _ fake: Tensor) -> Picture {
        let side = 196
        var picture = Picture(width: side, height: side, channels: 3, filledWith: 248)
        func dots(_ points: Tensor, _ color: Color) {
            let values = points.floats()
            for row in 0..<(values.count / 2) where values[2 * row].isFinite && values[2 * row + 1].isFinite {
                let place = (0...1).map { axis in
                    Int((min(3, max(-3, Double(values[2 * row + axis]))) / 6 + 0.5) * Double(side - 2))
                }
                picture.fill(
                    PictureBox(x: place[0], y: place[1], width: 2, height: 2), color: color)
            }
        }
        dots(real, Color(gray: 170))
        dots(fake, Color(red: 0xD5, green: 0x5E, blue: 0))
        return picture
    }
}
