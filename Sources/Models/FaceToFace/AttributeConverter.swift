import Settings
import Torch
import TorchNN

/// Network that changes attributes of photographs: AttGAN (He et al. 2019, arXiv:1711.10678) with selective transfer
/// units (STGAN, Liu et al. 2019, arXiv:1904.09709).
///
/// The condition is a difference of attributes: 1 adds an attribute, -1 removes it, 0 keeps it. Larger values give
/// stronger changes.
public final class AttributeConverter: Module {
    let encoder: [DownBlock]
    let units: [SelectiveUnit]
    let decoder: [ConvTranspose2d]
    let norms: [BatchNorm2d]
    private let settings: ConverterSettings
    /// Number K of attributes.
    public let attributes: Int

    /// Creates a network with uninitialized weights.
    /// - Parameters:
    ///   - settings: size of the network.
    ///   - attributes: number K of attributes.
    public init(_ settings: ConverterSettings = .init(), attributes: Int) {
        (self.settings, self.attributes) = (settings, attributes)
        let widths = (0..<settings.levels).map { min(settings.filters << $0, settings.maxFilters) }
        encoder = zip([3] + widths, widths).map { DownBlock($0, $1) }
        let inner = settings.levels - 1
        // For the levels inner - 1, inner - 2, ...: each filters the map of its level by the state of the next inner level.
        units =
            settings.selective
            ? (0..<settings.skips).map { index in
                let level = inner - 1 - index
                return SelectiveUnit(widths[level], inside: widths[level + 1], attributes: attributes)
            } : []
        decoder = (0..<settings.levels).map { index in
            let level = inner - index
            // The map of the inner level, the changes if they are injected here, and the map of the encoder.
            var inputs = widths[level]
            if index <= settings.injections { inputs += attributes }
            if index > 0, index <= settings.skips { inputs += widths[level] }
            let outputs = level == 0 ? 3 : widths[level - 1]
            return ConvTranspose2d(inputs, outputs, kernel: 4, stride: 2, padding: 1, bias: level == 0)
        }
        norms = (0..<inner).map { BatchNorm2d(widths[inner - 1 - $0]) }
    }

    /// Changes attributes of pictures.
    /// - Parameters:
    ///   - images: [N, 3, side, side] in -1...1.
    ///   - changes: [N, K].
    /// - Returns: [N, 3, side, side] in -1...1.
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
                    let (selected, next) = units[index - 1](maps[level], state, changes)
                    parts.append(selected)
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

    /// Values [N, K] as constant maps [N, K, h, w] of the size and type of `map`.
    static func tiled(_ changes: Tensor, _ map: Tensor) -> Tensor {
        let shape = map.shape
        return changes.to(map.dtype).unsqueezed(2).unsqueezed(3)
            .expanded(to: [shape[0], changes.shape[1], shape[2], shape[3]])
    }
}

/// Strided 4 x 4 convolution, batch normalization and leaky ReLU. [N, in, H, W] to [N, out, H / 2, W / 2].
final class DownBlock: Layer {
    let conv: Conv2d
    let norm: BatchNorm2d

    init(_ inputs: Int, _ outputs: Int) {
        conv = Conv2d(inputs, outputs, kernel: 4, stride: 2, padding: 1, bias: false)
        norm = BatchNorm2d(outputs)
    }

    override func callAsFunction(_ input: Tensor) -> Tensor { norm(conv(input), slope: 0.2) }
}

/// Selective transfer unit: a gated skip connection from encoder to decoder (Liu et al. 2019, equations 2 to 7).
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

    /// Filters the map of a level.
    /// - Parameters:
    ///   - map: encoder map of the level, [N, width, H, W].
    ///   - state: state of the next inner level, [N, inside, H / 2, W / 2].
    ///   - changes: [N, K].
    /// - Returns: the filtered map and the state for the next level, both [N, width, H, W].
    func callAsFunction(_ map: Tensor, _ state: Tensor, _ changes: Tensor) -> (Tensor, Tensor) {
        let upsampled = up(Tensor.concatenated([state, AttributeConverter.tiled(changes, state)], 1))
        let joined = Tensor.concatenated([map, upsampled], 1)
        let next = reset(joined).sigmoid() * upsampled
        let gate = update(joined).sigmoid()
        let candidate = hidden(Tensor.concatenated([map, next], 1)).tanh()
        return (upsampled + gate * (candidate - upsampled), next)
    }
}

/// Size of a network that changes attributes, and of its critic.
public struct ConverterSettings: SettingsGroup, Equatable {
    /// Channels at the picture resolution; doubled at each halving of the side.
    public var filters = 64
    /// Upper limit of the channels.
    public var maxFilters = 1024
    /// Number of halvings of the side.
    public var levels = 5
    /// Number of inner levels with a skip connection to the decoder. More skips give sharper pictures with weaker
    /// changes.
    public var skips = 1
    /// Number of decoder levels, besides the innermost, that receive the attribute changes, counted from the
    /// innermost.
    public var injections = 1
    /// Whether skip connections have selective transfer units (Liu et al. 2019).
    public var selective = true
    /// Fraction of training targets that flip one attribute of the photograph. The others are labels of other
    /// photographs.
    public var flipFraction = 0.0
    /// Channels of the critic at the picture resolution; doubled at each halving of the side.
    public var criticFilters = 64
    /// Width of the dense layers of the critic.
    public var criticWidth = 1024

    /// Creates settings with the default values.
    public init() {}

    /// Visits the fields.
    /// - Throws: errors of the visitor; throws no others.
    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.integer(
            "filters", &filters, in: 1...512,
            "Channels at the picture resolution; doubled at each halving of the side.")
        try v.integer("maxFilters", &maxFilters, in: 1...4096, "Upper limit of the channels.")
        try v.integer("levels", &levels, in: 2...8, "Number of halvings of the side.")
        try v.integer(
            "skips", &skips, in: 0...7, "Number of inner levels with a skip connection to the decoder.")
        try v.check(skips < levels, "skips", "a number less than levels")
        try v.integer(
            "injections", &injections, in: 0...7,
            "Number of decoder levels, besides the innermost, that receive the attribute changes.")
        try v.check(injections < levels, "injections", "a number less than levels")
        try v.flag("selective", &selective, "Filter skip connections by the attribute changes (STGAN).")
        try v.number(
            "flipFraction", &flipFraction, in: 0...1,
            "Fraction of targets that flip one attribute; the others are labels of other photographs.")
        try v.integer(
            "criticFilters", &criticFilters, in: 1...512, "Channels of the critic at the picture resolution.")
        try v.integer("criticWidth", &criticWidth, in: 1...8192, "Width of the dense layers of the critic.")
    }
}

/// Critic of AttGAN (He et al. 2019): strided 4 x 4 convolutions with instance normalization, then one dense branch
/// for a logit and one for attributes.
///
/// Pictures [N, 3, R, R] to logits [N] and attribute logits [N, K]. With projection, the logit also depends on the
/// labels.
public final class ConverterCritic: Module, Discriminator {
    let main: Sequential
    let dense: Linear
    let head: Linear
    let attributeDense: Linear
    let attributeHead: Linear
    let labelHead: LabelHead?

    /// Creates a critic with uninitialized weights.
    /// - Parameters:
    ///   - settings: size of the network.
    ///   - resolution: side R of the pictures, in pixels.
    ///   - conditions: attributes and how they are used.
    public init(_ settings: ConverterSettings = .init(), resolution: Int, conditions: ConditionSettings) {
        let widths = (0..<settings.levels).map { min(settings.criticFilters << $0, settings.maxFilters) }
        main = Sequential(
            zip([3] + widths, widths).enumerated().flatMap { level, pair -> [Layer] in
                let last = resolution >> (level + 1) == 1
                return [Conv2d(pair.0, pair.1, kernel: 4, stride: 2, padding: 1)]
                    // A map of one pixel has no variance to normalize.
                    + (last ? [] : [InstanceNorm2d(pair.1, affine: true)])
                    + [Activation("leaky relu 0.2") { $0.leakyReLU(0.2) }]
            })
        let side = resolution >> settings.levels
        let flat = widths.last! * side * side
        dense = Linear(flat, settings.criticWidth)
        head = Linear(settings.criticWidth, 1)
        attributeDense = Linear(flat, settings.criticWidth)
        attributeHead = Linear(settings.criticWidth, conditions.attributes.count)
        var projection = conditions
        projection.classifier = false
        labelHead = conditions.projection ? LabelHead(settings.criticWidth, projection) : nil
    }

    /// False: a logit depends on its own picture only.
    public var usesBatchStatistics: Bool { false }

    /// Computes logits [N] and attribute logits [N, K] of pictures [N, 3, R, R] and labels [N, K].
    public func callAsFunction(_ images: Tensor, labels: Tensor?) -> DiscriminatorOutput {
        let flat = main(images).contiguous().flattened(from: 1)
        let features = dense(flat).leakyReLU(0.2)
        var output = DiscriminatorOutput(
            logits: head(features).flattened(), maps: [], head: labelHead, features: features, labels: labels)
        output.attributes = attributeHead(attributeDense(flat).leakyReLU(0.2))
        return output
    }
}

/// Consequences of flipping one CelebA attribute for the others: a person whose hair becomes blond no longer has
/// black hair.
public struct AttributeChanges {
    /// Groups of attributes of which a face has at most one.
    private static let exclusive: [Set<String>] = [
        ["Bald", "Black_Hair", "Blond_Hair", "Brown_Hair", "Gray_Hair"], ["Straight_Hair", "Wavy_Hair"],
        ["Bald", "Bangs"], ["Bald", "Receding_Hairline"], ["Bangs", "Receding_Hairline"],
        ["5_o_Clock_Shadow", "No_Beard"], ["Goatee", "No_Beard"], ["Mustache", "No_Beard"],
    ]

    /// Exclusion matrix [K, K]: 1 if the attribute of the row excludes that of the column.
    private let exclusions: Tensor

    /// Creates the rules for K attributes.
    /// - Parameters:
    ///   - names: CelebA names of the attributes.
    ///   - device: device of the labels.
    public init(_ names: [String], on device: Device = .cpu) {
        let values = names.flatMap { own in names.map { Self.excludes(own, $0) ? Float(1) : 0 } }
        exclusions = Tensor(values, shape: [names.count, names.count]).to(device)
    }

    /// Whether no face has both attributes.
    public static func excludes(_ one: String, _ other: String) -> Bool {
        one != other && exclusive.contains { $0.isSuperset(of: [one, other]) }
    }

    /// Requested attributes and those that they exclude.
    /// - Parameters:
    ///   - requested: names of requested attributes and whether they are to be present.
    ///   - names: names of the attributes that can be changed.
    /// - Returns: `requested`, followed by the excluded attributes as absent.
    public static func completed(
        _ requested: [(name: String, isPresent: Bool)], among names: [String]
    ) -> [(name: String, isPresent: Bool)] {
        let added = requested.filter(\.isPresent).map(\.name)
        let removed = names.filter { name in
            !requested.contains { $0.name == name } && added.contains { excludes($0, name) }
        }
        return requested + removed.map { ($0, false) }
    }

    /// Labels with one attribute of each row flipped.
    /// - Parameters:
    ///   - labels: [N, K] of 1 (present), -1 (absent) or 0 (unknown). Unknown values stay unknown.
    ///   - choice: flipped attribute, [N, K] with one 1 in each row.
    /// - Returns: [N, K]. Attributes that an added one excludes become absent.
    public func turned(_ labels: Tensor, _ choice: Tensor) -> Tensor {
        let flipped = labels * (1 - 2 * choice)
        let added = choice * flipped.greater(than: 0).to(.float32)
        let removed = added.matmul(exclusions).greater(than: 0).to(.float32)
        // An excluded attribute changes from 1 to -1. Other values are kept.
        return flipped - 2 * removed * labels.greater(than: 0).to(.float32)
    }

    /// Labels [N, K] with the same attribute flipped in all rows, [N, K].
    public func turned(_ labels: Tensor, column: Int) -> Tensor {
        let choice = Tensor.zeros(like: labels)
        choice.narrow(1, start: column, length: 1).fill_(1)
        return turned(labels, choice)
    }

    /// Splits labels of 1, 0 and -1 into indicators of presence and of absence, both of the same shape.
    public static func sides(_ labels: Tensor) -> (present: Tensor, absent: Tensor) {
        (labels.clampedBelow(0), (-labels).clampedBelow(0))
    }

    /// Changes from labels to target labels, both [N, K]: [N, K] of 1, 0, -1, with 0 if either label is unknown.
    public static func between(_ labels: Tensor, _ target: Tensor) -> Tensor {
        (target - labels) * 0.5 * labels.abs() * target.abs()
    }
}
