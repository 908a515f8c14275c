import Models

/// Sizes of StyleGAN2 networks, found in the shapes of their tensors.
enum StyleGAN2Sizes {
    /// Settings by key, the resolution, and widths of neighboring layers; nil if the shapes are not those of a StyleGAN2.
    struct Found {
        let resolution: Int
        /// Number of labels; 0 for an unconditional network.
        let labels: Int
        let values: [(String, String)]
        let widths: [Int]
    }

    /// Upper limit of the labels.
    private static let maxLabels = 1 << 16

    /// Number of labels of a mapping network with a width; nil if its embedding is not one.
    private static func labels(_ shapes: [String: [Int]], width: Int?) -> Int? {
        guard let embed = shapes["mapping.embed.weight"] else { return 0 }
        return embed.count == 2 && embed[0] == width ?? embed[0] && embed[1] <= maxLabels ? embed[1] : nil
    }

    private static func layers(_ shapes: [String: [Int]]) -> Int {
        (0..<32).prefix { shapes["mapping.fc\($0).weight"] != nil }.count
    }

    /// Sizes of a generator.
    static func generator(_ candidate: StateCandidate) -> Found? {
        let shapes = known(candidate)
        let prefix = "synthesis.b"
        guard let levels = levels(shapes, { side in shapes["\(prefix)\(side).conv1.weight"]?.first }),
            let affine = shapes["\(prefix)4.conv1.affine.weight"], affine.count == 2,
            let first = shapes["mapping.fc0.weight"], first.count == 2
        else { return nil }
        let width = affine[1]
        guard let labels = labels(shapes, width: width) else { return nil }
        let z = first[1] - (labels > 0 ? width : 0)
        guard z > 0 else { return nil }
        let architecture =
            shapes["\(prefix)4.torgb.weight"] != nil
            ? "skip" : shapes["\(prefix)8.skip.weight"] != nil ? "residual" : "plain"
        return Found(
            resolution: levels.resolution, labels: labels,
            values: [
                ("latent.size", "\(z)"), ("channelBase", "\(levels.base)"), ("maxFilters", "\(levels.limit)"),
                ("wSize", "\(width)"), ("mappingLayers", "\(layers(shapes))"), ("architecture", architecture),
                ("clamp", "\(candidate.clamp ?? 0)"),
            ], widths: levels.channels + [width])
    }

    /// Sizes of a discriminator.
    static func discriminator(_ candidate: StateCandidate) -> Found? {
        let shapes = known(candidate)
        guard let last = shapes["b4.conv.weight"], last.count == 4,
            let levels = levels(
                shapes, { side in side == 4 ? last[0] : shapes["b\(side).conv0.weight"]?.first }),
            let labels = labels(shapes, width: nil)
        else { return nil }
        let architecture =
            shapes["b8.skip.weight"] != nil
            ? "residual" : shapes["b4.fromrgb.weight"] != nil ? "skip" : "plain"
        var values = [
            ("channelBase", "\(levels.base)"), ("maxFilters", "\(levels.limit)"),
            ("architecture", architecture), ("deviationGroup", last[1] == last[0] + 1 ? "4" : "0"),
            ("clamp", "\(candidate.clamp ?? 0)"),
        ]
        var widths = levels.channels
        if let width = shapes["mapping.embed.weight"]?[0] {
            values += [("wSize", "\(width)"), ("mappingLayers", "\(layers(shapes))")]
            widths.insert(width, at: 0)
        }
        return Found(resolution: levels.resolution, labels: labels, values: values, widths: widths)
    }

    private static func known(_ candidate: StateCandidate) -> [String: [Int]] {
        // Sizes outside the range of every setting would overflow in products.
        Dictionary(
            candidate.entries.filter { $0.shape.allSatisfy((1...1 << 20).contains) }
                .map { ($0.key, $0.shape) }, uniquingKeysWith: { first, _ in first })
    }

    /// Channels per side from 4, as `channelBase` and `maxFilters`; nil if they do not follow that rule.
    private static func levels(
        _ shapes: [String: [Int]], _ channels: (Int) -> Int?
    ) -> (resolution: Int, channels: [Int], base: Int, limit: Int)? {
        let sides = (2...10).map { 1 << $0 }.prefix { channels($0) != nil }
        let widths = sides.compactMap(channels)
        guard sides.count >= 2, let resolution = sides.last, let limit = widths.max() else { return nil }
        let base =
            zip(sides, widths).first { $1 < limit }.map { $0 * $1 } ?? max(64, limit * resolution)
        guard zip(sides, widths).allSatisfy({ max(1, min(base / $0, limit)) == $1 }) else { return nil }
        return (resolution, widths, base, limit)
    }
}
