import Settings
import Torch
import TorchNN

/// A network that changes attributes of photographs: AttGAN (He et al. 2019) with selective skips (STGAN, Liu et al. 2019).
///
/// Its input are changes, not target attributes: 1 adds an attribute, -1 removes it, 0 keeps it. Larger values change more.
public final class AttributeConverter: Module {
    let encoder: [Halving]
    let units: [SelectiveUnit]
    let decoder: [ConvTranspose2d]
    let norms: [BatchNorm2d]
    private let settings: ConverterSettings
    /// How many attributes it can change.
    public let attributes: Int

    public init(_ settings: ConverterSettings = .init(), attributes: Int) {
        (self.settings, self.attributes) = (settings, attributes)
        let widths = (0..<settings.levels).map { min(settings.filters << $0, settings.maxFilters) }
        encoder = zip([3] + widths, widths).map { Halving($0, $1) }
        let inner = settings.levels - 1
        // Of the levels inner - 1, inner - 2, ...: each selects from its own map by the state of the level inside it.
        units =
            settings.selective
            ? (0..<settings.skips).map { index in
                let level = inner - 1 - index
                return SelectiveUnit(widths[level], inside: widths[level + 1], attributes: attributes)
            } : []
        decoder = (0..<settings.levels).map { index in
            let level = inner - index
            // The map from inside, the changes where they are told, and the level's own map.
            var inputs = widths[level]
            if index <= settings.injections { inputs += attributes }
            if index > 0, index <= settings.skips { inputs += widths[level] }
            let outputs = level == 0 ? 3 : widths[level - 1]
            return ConvTranspose2d(inputs, outputs, kernel: 4, stride: 2, padding: 1, bias: level == 0)
        }
        norms = (0..<inner).map { BatchNorm2d(widths[inner - 1 - $0]) }
    }

    /// - Parameters:
    ///   - images: [N, 3, side, side], in -1...1.
    ///   - changes: [N, attributes].
    /// - Returns: [N, 3, side, side], in -1...1.
    public func callAsFunction(_ images: Tensor, changes: Tensor) -> Tensor {
        var maps: [Tensor] = []
        for block in encoder { maps.append(block.checkpointed(maps.last ?? images)) }
        let inner = maps.count - 1
        var (value, state) = (maps[inner], maps[inner])
        for (index, layer) in decoder.enumerated() {
            let level = inner - index
            var parts = [value]
            if index > 0, index <= settings.skips {
                if settings.selective {
                    let (chosen, next) = units[index - 1](maps[level], state, changes)
                    parts.append(chosen)
                    state = next
                } else {
                    parts.append(maps[level])
                }
            }
            if index <= settings.injections { parts.append(Self.tiled(changes, value)) }
            value = layer(parts.count == 1 ? parts[0] : Tensor.concatenated(parts, 1))
            if index < norms.count { value = norms[index](value, slope: 0) }
        }
        return value.tanh()
    }

    /// [N, K] as maps [N, K, h, w] of the size and type of others.
    static func tiled(_ changes: Tensor, _ map: Tensor) -> Tensor {
        let shape = map.shape
        return changes.to(map.dtype).unsqueezed(2).unsqueezed(3)
            .expanded(to: [shape[0], changes.shape[1], shape[2], shape[3]])
    }
}

/// Half the side: strided 4 x 4, normalization, leaky ReLU. [N, in, H, W] to [N, out, H / 2, W / 2].
final class Halving: Layer {
    let conv: Conv2d
    let norm: BatchNorm2d

    init(_ inputs: Int, _ outputs: Int) {
        conv = Conv2d(inputs, outputs, kernel: 4, stride: 2, padding: 1, bias: false)
        norm = BatchNorm2d(outputs)
    }

    override func callAsFunction(_ input: Tensor) -> Tensor { norm(conv(input), slope: 0.2) }
}

/// Selects what of a map goes straight to the decoder (Liu et al. 2019, equations 2 to 7): gates as a recurrent unit's.
final class SelectiveUnit: Module {
    let up: ConvTranspose2d
    let reset: Conv2d
    let update: Conv2d
    let hidden: Conv2d

    init(_ width: Int, inside: Int, attributes: Int) {
        up = ConvTranspose2d(inside + attributes, width, kernel: 4, stride: 2, padding: 1)
        reset = Conv2d(2 * width, width, kernel: 3, padding: 1)
        update = Conv2d(2 * width, width, kernel: 3, padding: 1)
        hidden = Conv2d(2 * width, width, kernel: 3, padding: 1)
    }

    /// - Parameters:
    ///   - map: the level's own, [N, width, H, W].
    ///   - state: of the level inside it, [N, inside, H / 2, W / 2].
    /// - Returns: the selected maps and the state for the next level, both [N, width, H, W].
    func callAsFunction(_ map: Tensor, _ state: Tensor, _ changes: Tensor) -> (Tensor, Tensor) {
        let told = up(Tensor.concatenated([state, AttributeConverter.tiled(changes, state)], 1))
        let both = Tensor.concatenated([map, told], 1)
        let next = reset(both).sigmoid() * told
        let gate = update(both).sigmoid()
        let found = hidden(Tensor.concatenated([map, next], 1)).tanh()
        return (told + gate * (found - told), next)
    }
}

/// Size of a network that changes attributes, and of its critic.
public struct ConverterSettings: SettingsGroup, Equatable {
    /// Channels next to the picture; each halving doubles them.
    public var filters = 64
    /// Channels are never more than this.
    public var maxFilters = 1024
    /// How often sides are halved.
    public var levels = 5
    /// Levels from the inside out whose maps go straight to the decoder; more of them give sharper pictures that change less.
    public var skips = 1
    /// Levels of the decoder beside the innermost, from the inside out, that are told the changes.
    public var injections = 1
    /// Whether what goes straight on is selected by the changes (Liu et al. 2019).
    public var selective = true
    /// Fraction of training targets that flip one attribute of the photograph. The others are labels of other photographs.
    public var flipFraction = 0.0
    /// Channels of the critic next to the picture; each halving doubles them.
    public var criticFilters = 64
    /// Width of the critic's dense layers.
    public var criticWidth = 1024

    public init() {}

    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.integer(
            "filters", &filters, in: 1...512, "Channels next to the picture; doubled at each halving.")
        try v.integer("maxFilters", &maxFilters, in: 1...4096, "Upper limit of the channels.")
        try v.integer("levels", &levels, in: 2...8, "How often sides are halved.")
        try v.integer("skips", &skips, in: 0...7, "Inner levels whose maps go straight to the decoder.")
        try v.check(skips < levels, "skips", "less than levels")
        try v.integer(
            "injections", &injections, in: 0...7,
            "Levels of the decoder beside the innermost that are told the changes.")
        try v.check(injections < levels, "injections", "less than levels")
        try v.flag("selective", &selective, "What goes straight on is selected by the changes.")
        try v.number(
            "flipFraction", &flipFraction, in: 0...1,
            "Fraction of targets that flip one attribute; the others are labels of other photographs.")
        try v.integer(
            "criticFilters", &criticFilters, in: 1...512, "The critic's channels next to the picture.")
        try v.integer("criticWidth", &criticWidth, in: 1...8192, "Width of the critic's dense layers.")
    }
}

/// AttGAN's critic (He et al. 2019): strided 4 x 4 with instance normalization, then a logit and the attributes, each through a
/// dense layer of their own. [N, 3, R, R] to logits [N] and attributes [N, K]. With projection, a picture must also be real for
/// its labels.
public final class ConverterCritic: Module, Discriminator {
    let main: Sequential
    let dense: Linear
    let head: Linear
    let attributeDense: Linear
    let attributeHead: Linear
    let labelHead: LabelHead?

    public init(_ settings: ConverterSettings = .init(), resolution: Int, conditions: ConditionSettings) {
        let widths = (0..<settings.levels).map { min(settings.criticFilters << $0, settings.maxFilters) }
        main = Sequential(
            zip([3] + widths, widths).enumerated().flatMap { level, pair -> [Layer] in
                let last = resolution >> (level + 1) == 1
                return [Conv2d(pair.0, pair.1, kernel: 4, stride: 2, padding: 1)]
                    // One pixel a channel has no statistics.
                    + (last ? [] : [InstanceNorm2d(pair.1, affine: true)])
                    + [Activation("leaky relu 0.2") { $0.leakyReLU(0.2) }]
            })
        let side = resolution >> settings.levels
        let flat = widths.last! * side * side
        dense = Linear(flat, settings.criticWidth)
        head = Linear(settings.criticWidth, 1)
        attributeDense = Linear(flat, settings.criticWidth)
        attributeHead = Linear(settings.criticWidth, conditions.attributes.count)
        var fit = conditions
        fit.classifier = false
        labelHead = conditions.projection ? LabelHead(settings.criticWidth, fit) : nil
    }

    public var usesBatchStatistics: Bool { false }

    public func callAsFunction(_ images: Tensor, labels: Tensor?) -> DiscriminatorOutput {
        let flat = main(images).contiguous().flattened(from: 1)
        let features = dense(flat).leakyReLU(0.2)
        var verdict = DiscriminatorOutput(
            logits: head(features).flattened(), maps: [], head: labelHead, features: features, labels: labels)
        verdict.attributes = attributeHead(attributeDense(flat).leakyReLU(0.2))
        return verdict
    }
}

/// What turning one attribute of CelebA means for the others: hair that becomes blond is black no longer.
public struct AttributeChanges {
    /// Attributes of which a face has at most one.
    private static let alternatives: [Set<String>] = [
        ["Bald", "Black_Hair", "Blond_Hair", "Brown_Hair", "Gray_Hair"], ["Straight_Hair", "Wavy_Hair"],
        ["Bald", "Bangs"], ["Bald", "Receding_Hairline"], ["Bangs", "Receding_Hairline"],
        ["5_o_Clock_Shadow", "No_Beard"], ["Goatee", "No_Beard"], ["Mustache", "No_Beard"],
    ]

    /// [K, K]: 1 where the row's attribute ends the column's.
    private let ends: Tensor

    public init(_ names: [String], on device: Device = .cpu) {
        let values = names.flatMap { own in names.map { Self.excludes(own, $0) ? Float(1) : 0 } }
        ends = Tensor(values, shape: [names.count, names.count]).to(device)
    }

    /// Whether no face has both.
    public static func excludes(_ one: String, _ other: String) -> Bool {
        one != other && alternatives.contains { $0.isSuperset(of: [one, other]) }
    }

    /// What was asked for, and what ends with what comes: names, and whether they are to be there.
    /// - Parameter names: that can be changed.
    public static func completed(
        _ wanted: [(name: String, isPresent: Bool)], among names: [String]
    ) -> [(name: String, isPresent: Bool)] {
        let coming = wanted.filter(\.isPresent).map(\.name)
        let ended = names.filter { name in
            !wanted.contains { $0.name == name } && coming.contains { excludes($0, name) }
        }
        return wanted + ended.map { ($0, false) }
    }

    /// Labels with one attribute of each row turned.
    /// - Parameters:
    ///   - labels: [N, K] of 1, -1 and 0 for unknown, which stays so.
    ///   - choice: which, [N, K] with one 1 in each row.
    public func turned(_ labels: Tensor, _ choice: Tensor) -> Tensor {
        let turned = labels * (1 - 2 * choice)
        let coming = choice * turned.greater(than: 0).to(.float32)
        let ended = coming.matmul(ends).greater(than: 0).to(.float32)
        // What ends is -1 where it was 1, and as it was elsewhere.
        return turned - 2 * ended * labels.greater(than: 0).to(.float32)
    }

    /// Labels with the same attribute turned in all rows, [N, K].
    public func turned(_ labels: Tensor, column: Int) -> Tensor {
        let choice = Tensor.zeros(like: labels)
        choice.narrow(1, start: column, length: 1).fill_(1)
        return turned(labels, choice)
    }

    /// 1 where labels of 1, 0 and -1 are present, and 1 where they are absent, both of their shape.
    public static func sides(_ labels: Tensor) -> (present: Tensor, absent: Tensor) {
        (labels.clampedBelow(0), (-labels).clampedBelow(0))
    }

    /// What must change for labels to become others, [N, K] of 1, 0, -1; nothing where one is unknown.
    public static func between(_ labels: Tensor, _ wished: Tensor) -> Tensor {
        (wished - labels) * 0.5 * labels.abs() * wished.abs()
    }
}
