import Datasets
import Models
import Recipes
import Torch

/// Which labels a converter is asked for in training, drawn for each photograph.
package struct TargetAttributes {
    package let random: RandomSource
    private let share: Double
    private let changes: AttributeChanges
    /// How much more often an attribute is wished for than photographs have it, and wished away than they lack it, [K].
    private let excess: (present: Tensor, absent: Tensor)

    /// - Parameters:
    ///   - labels: of all photographs.
    ///   - columns: of the labels that the recipe asks for.
    package init(
        _ settings: ConversionSettings, labels: Labels, columns: [Int], random: RandomSource, device: Device
    ) {
        (self.random, share) = (random, settings.converter.flipFraction)
        changes = AttributeChanges(settings.conditions.attributes, on: device)
        let rows = labels.count
        let values = labels.values(of: 0..<rows, columns: columns)
        let all = Tensor(values, shape: [rows, columns.count]).to(device)
        func shares(_ labels: Tensor) -> (present: Tensor, absent: Tensor) {
            let (present, absent) = AttributeChanges.sides(labels)
            return (present.mean([0]), absent.mean([0]))
        }
        let (has, lacks) = shares(all)
        // Of other photographs, as often as a photograph's own are known.
        let known = all.abs().mean([0])
        var (come, go) = (has * known * (1 - share), lacks * known * (1 - share))
        let names = settings.conditions.attributes.indices
        for column in names where share > 0 {
            let turned = shares(changes.turned(all, column: column))
            come = come + turned.present * (share / Double(names.count))
            go = go + turned.absent * (share / Double(names.count))
        }
        let least = 1 / Double(rows)
        excess = (come / has.clampedBelow(least), go / lacks.clampedBelow(least))
    }

    /// Labels of other photographs, which agree with each other, or a photograph's own but for one attribute, as people
    /// ask; [N, K]. What is unknown of the photograph is not told, so it cannot be asked for.
    package func drawn(for labels: Tensor) -> Tensor {
        let device = labels.device
        let order = Tensor.permutation(labels.shape[0], random: random).to(device)
        let others = labels.indexSelect(0, order) * labels.abs()
        guard share > 0 else { return others }
        let draws = Tensor.uniform(labels.shape, random: random).argmax(1)
        let choice = Tensor.identity(labels.shape[1]).indexSelect(0, draws).to(device)
        let isOwn = Tensor.uniform([labels.shape[0], 1], random: random).less(than: share).to(.float32)
            .to(device)
        return others.lerp(changes.turned(labels, choice), weight: isOwn)
    }

    /// Labels of photographs, [N, K], each counted so often that the sums are those of the targets. A critic that weighs
    /// how well pictures fit their labels would else gain by a liking for one label, whatever the picture.
    package func counted(_ labels: Tensor) -> Tensor {
        let (present, absent) = AttributeChanges.sides(labels)
        return present * excess.present - absent * excess.absent
    }
}
