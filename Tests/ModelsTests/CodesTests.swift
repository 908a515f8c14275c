import Models
import Testing
import Torch
import TorchNN

/// What a conditional generator is asked for.
@Suite struct CodesTests {
    /// Beard and lipstick exclude each other; half of the others smile.
    private let rows = LabelRows(
        names: ["Beard", "Lipstick", "Smiling"],
        values: [1, -1, 1, 1, -1, -1, -1, 1, 1, -1, 1, -1, -1, -1, 1, -1, -1, -1])

    private func row(_ asked: [Int: Int8], share: Double) -> [Int8] {
        rows.rows(asked: asked, shares: [share])[0]
    }

    @Test func whatIsAskedIsThere() {
        for share in stride(from: 0.0, to: 1, by: 0.07) {
            #expect(row([0: 1], share: share)[0] == 1)
            #expect(row([0: -1, 2: 1], share: share)[0] == -1)
            #expect(row([0: -1, 2: 1], share: share)[2] == 1)
            // Even where no picture has both.
            #expect(row([0: 1, 1: 1], share: share)[0..<2] == [1, 1])
        }
    }

    @Test func theRestComesFromPicturesThatAgree() {
        let shares = stride(from: 0.0, to: 1, by: 0.01)
        let bearded = shares.map { row([0: 1], share: $0) }
        #expect(bearded.allSatisfy { $0[1] == -1 }, "nobody with a beard has lipstick")
        #expect(abs(bearded.count { $0[2] == 1 } - 50) <= 1)
        let all = shares.map { row([:], share: $0) }
        #expect(abs(all.count { $0[0] == 1 } - 33) <= 1)
        #expect(abs(all.count { $0[1] == 1 } - 33) <= 1)
    }

    @Test func aSeedKeepsItsLatentWhateverIsAsked() {
        var codes = Codes(Latent(size: 5), labels: rows)
        let free = codes.sample(seeds: [1, 2, 3])
        #expect(free.shape == [3, 8])
        codes.asked = [2: 1]
        let asked = codes.sample(seeds: [1, 2, 3])
        #expect(asked.narrow(1, start: 0, length: 5).floats() == free.narrow(1, start: 0, length: 5).floats())
        #expect(asked.select(1, 7).floats() == [1, 1, 1])
        #expect(
            free.narrow(1, start: 0, length: 5).floats()
                == Codes(Latent(size: 5)).sample(seeds: [1, 2, 3]).floats())
        #expect(codes.sample(seeds: [3]).floats() == Array(asked.floats()[16...]))
    }

    @Test func labelsChangeWhatAGeneratorDraws() {
        for kind in NetworkKind.allCases {
            var settings = GeneratorSettings()
            settings.kind = kind
            settings.latent = Latent(size: 5)
            settings.dcgan.filters = 4
            settings.denseDCGAN.filters = 4
            settings.residual.filters = 4
            settings.progressive.maxFilters = 8
            let random = RandomSource(seed: 1)
            let generator = settings.make(resolution: 16, labels: 3, random: random)
            for (_, parameter) in generator.parameters where kind == .residual {
                // Conditional norms begin as plain ones.
                withoutGradients { parameter.value.normal_(random: random) }
            }
            let z = Tensor.normal([1, 5], random: random)
            let (a, b) = ([Float(1), 1, -1], [Float(-1), 1, 1])
            let codes = [a, b].map { Tensor.concatenated([z, Tensor($0, shape: [1, 3])], 1) }
            let both = generator(Tensor.concatenated(codes))
            #expect((both[0] - both[1]).abs().max().item() > 1e-4, "\(kind)")
        }
    }
}
