import Imaging
import Datasets
import Recipes
import Testing
import Torch
import Training

/// What a converter is asked for in training.
@Suite struct WishesTests {
    /// Rare glasses, hair that excludes other hair, and a tenth unknown.
    private static func labels(_ rows: Int) -> Labels {
        var labels = Labels(count: rows)
        labels.attributeNames = ["Black_Hair", "Eyeglasses", "Blond_Hair"]
        var stream = RandomStream(seed: 5)
        for _ in 0..<rows {
            let hair = stream.uniform()
            let glasses: Int8 = stream.uniform() < 0.07 ? 1 : -1
            for value in [hair < 0.4 ? 1 : -1, glasses, hair > 0.85 ? 1 : -1] as [Int8] {
                labels.attributes.append(stream.uniform() < 0.1 ? 0 : value)
            }
        }
        return labels
    }

    @Test(arguments: [0, 0.6]) func photographsCountAsOftenAsTheyAreWishedFor(flipFraction: Double) throws {
        let recipe = try Recipe.load(
            "convert",
            overrides: [
                "conditions.attributes=[Eyeglasses,Blond_Hair,Black_Hair]",
                "converter.flipFraction=\(flipFraction)",
            ])
        let labels = Self.labels(2000)
        let columns = [1, 2, 0]
        let targets = TargetAttributes(
            recipe.conversion, labels: labels, columns: columns, random: RandomSource(seed: 1), device: .cpu)
        let values = labels.values(of: 0..<2000, columns: columns)
        let own = Tensor(values, shape: [2000, 3])
        func frequencies(_ labels: Tensor) -> [Double] {
            (labels.clampedBelow(0).mean([0]).floats() + (-labels).clampedBelow(0).mean([0]).floats())
                .map(Double.init)
        }
        let repeats = 60
        var drawn = [Double](repeating: 0, count: 6)
        for _ in 0..<repeats {
            for (index, value) in frequencies(targets.drawn(for: own)).enumerated() {
                drawn[index] += value / Double(repeats)
            }
        }
        for (counted, drawn) in zip(frequencies(targets.counted(own)), drawn) {
            #expect(abs(counted - drawn) < 0.005)
        }
        // Glasses are wished for more often than they are worn.
        #expect((drawn[0] > 1.5 * frequencies(own)[0]) == (flipFraction > 0))
    }
}
