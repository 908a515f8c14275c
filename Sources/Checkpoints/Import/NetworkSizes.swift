import Models
import Recipes
import Settings

/// Sizes of a network, found in the shapes of its tensors.
struct NetworkSizes {
    /// Settings of a recipe by key, such as `generator.filters`, in the order in which they are shown.
    var values: [(key: String, value: String)]
    /// Channels of neighboring layers. The network has at least as many elements as the sum of their products.
    fileprivate var widths: [Int]

    /// Sizes of a network of the family of a recipe; nil if the shapes are not those of the family.
    /// - Parameters:
    ///   - network: network that the shapes belong to.
    ///   - candidate: tensors.
    ///   - recipe: names the family, the number of labels, and limits that the shapes do not show.
    init?(of network: PyTorchImport.Network, in candidate: StateCandidate, recipe: Recipe) {
        guard case .adversarial(let settings) = recipe.system else { return nil }
        let shapes = TensorShapes(candidate)
        let labels = settings.conditions.attributes.count
        let family = network == .generator ? settings.generator.network : settings.discriminator.network
        let found: NetworkSizes? =
            switch (family, network) {
            case (let family as DCGANSettings, .generator):
                Self.dcganGenerator(shapes, labels, family.maxFilters)
            case (let family as DCGANSettings, .discriminator):
                Self.dcganDiscriminator(shapes, family.maxFilters)
            case (let family as DenseDCGANSettings, _):
                Self.dense(network, shapes, labels, family.maxFilters)
            case (let family as ResidualSettings, _):
                Self.residual(network, shapes, family.maxFilters)
            case (let family as ProgressiveSettings, _):
                Self.progressive(network, shapes, labels, family)
            case (is StyleGAN2Settings, .generator):
                StyleGAN2Sizes.generator(candidate).flatMap { Self(network, $0, labels) }
            case (is StyleGAN2Settings, .discriminator):
                StyleGAN2Sizes.discriminator(candidate).flatMap { Self(network, $0, labels) }
            default: nil
            }
        guard let found, found.isPlausible(elementCount: candidate.elementCount) else { return nil }
        self = found
    }

    /// - Parameter labels: labels of the recipe; 0 for those of the file, which are then classes with their indices as names.
    private init?(_ network: PyTorchImport.Network, _ found: StyleGAN2Sizes.Found, _ labels: Int) {
        guard labels == 0 || labels == found.labels else { return nil }
        self.init(
            network, halvings: found.resolution.trailingZeroBitCount - 2, found.values, widths: found.widths)
        guard labels < found.labels else { return }
        let names = (0..<found.labels).map { "\"\($0)\"" }.joined(separator: ", ")
        values += [(Self.attributesKey, "[\(names)]"), ("conditions.exclusive", "true")]
        classCount = found.labels
    }

    private static let attributesKey = "conditions.attributes"
    /// Number of classes that the file adds to the recipe.
    private var classCount = 0

    private init(_ network: PyTorchImport.Network, halvings: Int, _ values: [(String, String)], widths: [Int])
    {
        self.values =
            [("resolution", "\(4 << halvings)")] + values.map { ("\(network.rawValue).\($0)", $1) }
        self.widths = widths
    }

    /// Whether the file is large enough for these sizes. A small file cannot request a huge network.
    private func isPlausible(elementCount: Int) -> Bool {
        var sum = 0
        for (a, b) in zip(widths, widths.dropFirst()) {
            let (product, overflow) = a.multipliedReportingOverflow(by: b)
            let (total, carry) = sum.addingReportingOverflow(product)
            guard a > 0, b > 0, !overflow, !carry else { return false }
            sum = total
        }
        return sum <= elementCount
    }

    /// A recipe with these sizes.
    /// - Parameter fixed: keys that keep the values of the recipe.
    /// - Returns: nil if a size is out of the range of a setting.
    func applied(to recipe: Recipe, fixed: Set<String>) -> Recipe? {
        let overrides = values.filter { !fixed.contains($0.key) }.map { "\($0.key)=\($0.value)" }
        return try? SettingsDocument.decode(yaml: recipe.yaml, path: recipe.name, overrides: overrides)
    }

    /// Sizes for a reader: without limits and switches that are those of the recipe.
    func shown(for recipe: Recipe) -> [String] {
        values.filter { size in
            ["resolution", "size", "filters"].contains(size.key.split(separator: ".").last ?? "")
                || Self.differs(size, from: recipe)
        }.map { "\($0.key) " + ($0.key == Self.attributesKey ? "0 to \(classCount - 1)" : $0.value) }
    }

    /// Whether a size differs from the value in a recipe.
    static func differs(_ size: (key: String, value: String), from recipe: Recipe) -> Bool {
        let changed = try? SettingsDocument.decode(
            Recipe.self, yaml: recipe.yaml, path: recipe.name, overrides: ["\(size.key)=\(size.value)"])
        return changed != recipe
    }

    // MARK: Families

    /// 1024 x 1024 pixels.
    private static let maxHalvings = 8

    /// Channels from the picture to 4 x 4 of a family that doubles them at each halving.
    /// - Returns: widths, and the upper limit if the largest one is limited.
    private static func doubling(_ filters: Int, halvings: Int, largest: Int, limit: Int) -> (
        widths: [Int], maxFilters: Int
    )? {
        guard (1...maxHalvings).contains(halvings), (1...8192).contains(filters), largest >= filters else {
            return nil
        }
        let free = filters << (halvings - 1)
        return (
            (0..<halvings).map { min(filters << $0, largest) }, largest < free ? largest : max(limit, free)
        )
    }

    private static func dcganGenerator(_ shapes: TensorShapes, _ labels: Int, _ limit: Int) -> NetworkSizes? {
        let layers = shapes.convolutions
        guard layers.count >= 2, layers.allSatisfy({ $0[2] == 4 }),
            let last = layers.last(where: { $0[1] == shapes.colors ?? 3 })
        else { return nil }
        // Every output is the input of the next layer. The remaining input is that of the first layer.
        var inputs = layers.map { $0[0] }
        for layer in layers where layer != last {
            guard let index = inputs.firstIndex(of: layer[1]) else { return nil }
            inputs.remove(at: index)
        }
        let widths = layers.filter { $0 != last }.map { $0[1] }
        let halvings = layers.count - 1
        guard inputs.count == 1, inputs[0] > labels, let largest = widths.max(),
            let found = doubling(last[0], halvings: halvings, largest: largest, limit: limit)
        else { return nil }
        return NetworkSizes(
            .generator, halvings: halvings,
            [
                ("latent.size", "\(inputs[0] - labels)"), ("filters", "\(last[0])"),
                ("maxFilters", "\(found.maxFilters)"),
            ], widths: found.widths + [inputs[0]])
    }

    private static func dcganDiscriminator(_ shapes: TensorShapes, _ limit: Int) -> NetworkSizes? {
        let layers = shapes.convolutions
        guard layers.count >= 2, layers.allSatisfy({ $0[2] == 4 }),
            let first = layers.first(where: { $0[1] == shapes.colors ?? 3 }),
            layers.contains(where: { $0[0] == 1 }),
            let largest = layers.map({ $0[0] }).max(),
            let found = doubling(first[0], halvings: layers.count - 1, largest: largest, limit: limit)
        else { return nil }
        return NetworkSizes(
            .discriminator, halvings: layers.count - 1,
            [("filters", "\(first[0])"), ("maxFilters", "\(found.maxFilters)")], widths: found.widths)
    }

    private static func dense(
        _ network: PyTorchImport.Network, _ shapes: TensorShapes, _ labels: Int, _ limit: Int
    ) -> NetworkSizes? {
        let layers = shapes.convolutions
        guard layers.allSatisfy({ $0[2] == 5 }),
            let edge = network == .generator
                ? layers.last(where: { $0[1] == 3 }) : layers.first(where: { $0[1] == 3 }),
            let linear = shapes.linears.first
        else { return nil }
        let largest = (network == .generator ? linear[0] : linear[1]) / 16
        guard let found = doubling(edge[0], halvings: layers.count, largest: largest, limit: limit) else {
            return nil
        }
        let sizes = [("filters", "\(edge[0])"), ("maxFilters", "\(found.maxFilters)")]
        guard network == .generator else {
            return NetworkSizes(network, halvings: layers.count, sizes, widths: found.widths)
        }
        guard linear[1] > labels else { return nil }
        return NetworkSizes(
            network, halvings: layers.count, [("latent.size", "\(linear[1] - labels)")] + sizes,
            widths: found.widths + [linear[1]])
    }

    private static func residual(
        _ network: PyTorchImport.Network, _ shapes: TensorShapes, _ limit: Int
    ) -> NetworkSizes? {
        // Two convolutions in each block, and one at the pictures.
        let layers = shapes.convolutions.filter { $0[2] == 3 }
        guard layers.count >= 3, layers.count % 2 == 1, let linear = shapes.linears.first else { return nil }
        let halvings = layers.count / 2
        let side = network == .generator ? 0 : 1
        guard let edge = layers.first(where: { $0[side] == 3 }), let largest = layers.map({ $0[0] }).max(),
            let found = doubling(edge[1 - side], halvings: halvings, largest: largest, limit: limit)
        else { return nil }
        var values = [
            ("filters", "\(edge[1 - side])"), ("maxFilters", "\(found.maxFilters)"),
            ("spectralNorm", "\(shapes.isSpectral)"),
        ]
        if network == .generator {
            values.insert(("latent.size", "\(linear[1])"), at: 0)
        } else {
            values += [
                ("pooling", linear[1] == largest ? "sum" : "flat"),
                ("normalization", shapes.hasNormalization ? "layer" : "none"),
            ]
        }
        return NetworkSizes(
            network, halvings: halvings, values,
            widths: found.widths + (network == .generator ? [linear[1]] : []))
    }

    private static func progressive(
        _ network: PyTorchImport.Network, _ shapes: TensorShapes, _ labels: Int, _ family: ProgressiveSettings
    ) -> NetworkSizes? {
        let pointwise = shapes.convolutions.filter { $0[2] == 1 }
        let side = network == .generator ? 0 : 1
        // One layer between colors and maps for each side.
        let channels = pointwise.filter { $0[side] == 3 }.map { $0[1 - side] }.sorted(by: >)
        guard (2...maxHalvings + 1).contains(channels.count), channels[0] >= 8 else { return nil }
        let (halvings, largest) = (channels.count - 1, channels[0])
        // Channels at side S are 2 channelBase / S, unless they are limited.
        let level = channels.firstIndex { $0 < largest }
        let base =
            level.map { channels[$0] * (4 << $0) / 2 } ?? max(family.channelBase, largest * (2 << halvings))
        // Self-attention has such layers, too; its side is a setting of the recipe.
        let isResidual =
            family.attention.side > 0 ? family.residual : pointwise.contains { $0[0] != 3 && $0[1] != 3 }
        var values = [
            ("channelBase", "\(base)"), ("maxFilters", "\(level == nil ? largest : max(largest, 8))"),
            ("residual", "\(isResidual)"),
        ]
        guard let stem = shapes.linears.first else { return nil }
        if network == .generator {
            guard stem[1] > labels else { return nil }
            values.insert(("latent.size", "\(stem[1] - labels)"), at: 0)
        } else {
            let hasDeviation = shapes.convolutions.contains { $0[2] == 3 && $0[1] == largest + 1 }
            values.append(("deviationGroup", hasDeviation ? "\(max(family.deviationGroup, 1))" : "0"))
        }
        return NetworkSizes(
            network, halvings: halvings, values,
            widths: channels.reversed() + (network == .generator ? [stem[1]] : []))
    }
}

/// Shapes of the weights of a candidate, by kind.
struct TensorShapes {
    /// Square convolutions, [a, b, kernel, kernel], in order.
    let convolutions: [[Int]]
    /// Linear layers, [out, in], in order.
    let linears: [[Int]]
    /// Whether weights have spectral normalization.
    let isSpectral: Bool
    /// Whether there are layers with a scale and a shift per channel.
    let hasNormalization: Bool

    init(_ candidate: StateCandidate) {
        // Sizes outside the range of every setting would overflow in products.
        let shapes = candidate.entries.map(\.shape).filter { $0.allSatisfy((1...1 << 20).contains) }
        convolutions = shapes.filter { $0.count == 4 && $0[2] == $0[3] }
        linears = shapes.filter { $0.count == 2 }
        isSpectral = candidate.entries.contains {
            $0.key.hasSuffix("weight_orig") || $0.key.hasSuffix("parametrizations.weight.original")
        }
        hasNormalization = candidate.entries.contains {
            $0.shape.count == 1 && ($0.key == "weight" || $0.key.hasSuffix(".weight"))
        }
    }

    /// Network that has these shapes; nil if they do not show it.
    ///
    /// A generator ends with pictures. A discriminator begins with pictures and ends with one value.
    var network: PyTorchImport.Network? {
        guard let first = convolutions.first, let last = convolutions.last else { return nil }
        let colors = [1, 3]
        // No generator has a linear layer with one output, in whatever order the layers are.
        if linears.contains(where: { $0[0] == 1 }), convolutions.contains(where: { colors.contains($0[1]) }) {
            return .discriminator
        }
        if colors.contains(first[1]), last[0] == 1 { return .discriminator }
        if colors.contains(last[1]) || colors.contains(last[0]) { return .generator }
        return nil
    }

    /// Number of colors of the pictures; nil if unknown.
    var colors: Int? {
        switch network {
        case .generator: convolutions.last.map { $0[1] < 4 ? $0[1] : $0[0] }
        case .discriminator: convolutions.first?[1]
        case nil: nil
        }
    }
}
