import Datasets
import Imaging
import Recipes
import Testing
import Torch
import Training

/// Target attributes in the training of a converter.
@Suite struct TargetAttributesTests {
    /// Labels with rare glasses, mutually exclusive hair colors, and 10 % unknown values.
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

    @Test(arguments: [0, 0.6]) func balancedLabelsHaveTheFrequenciesOfTargets(flipFraction: Double) throws {
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
        var sampled = [Double](repeating: 0, count: 6)
        for _ in 0..<repeats {
            for (index, value) in frequencies(targets.sample(for: own)).enumerated() {
                sampled[index] += value / Double(repeats)
            }
        }
        for (balanced, sampled) in zip(frequencies(targets.balanced(own)), sampled) {
            #expect(abs(balanced - sampled) < 0.005)
        }
        // With flips, glasses are more frequent in targets than in photographs.
        #expect((sampled[0] > 1.5 * frequencies(own)[0]) == (flipFraction > 0))
    }
}
