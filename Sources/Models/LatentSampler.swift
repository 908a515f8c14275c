import Settings
import Torch

/// Size and distribution of z. Values are drawn on the CPU.
public struct LatentSpace: SettingsGroup, Equatable {
    /// Distribution of the values of z.
    public enum Distribution: String, Sendable, CaseIterable {
        /// N(0, 1).
        case normal
        /// Uniform in -1...1.
        case uniform
    }

    /// Number of values Z.
    public var size = 100
    /// Distribution of the values.
    public var distribution = Distribution.normal

    /// Creates a normal latent space with 100 values.
    public init() {}

    /// Creates a latent space with a number of values and a distribution.
    public init(size: Int, distribution: Distribution = .normal) {
        (self.size, self.distribution) = (size, distribution)
    }

    /// Visits the fields.
    /// - Throws: errors of the visitor; throws no others.
    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.integer("size", &size, in: 1...8192, "Number of values of z.")
        try v.choice("distribution", &distribution, "normal: N(0, 1); uniform: -1...1.")
    }

    /// Draws z [count, Z] from a stream.
    public func sample(_ count: Int, random: RandomSource) -> Tensor {
        switch distribution {
        case .normal: Tensor.normal([count, size], random: random)
        case .uniform: Tensor.uniform([count, size], -1, 1, random: random)
        }
    }
}

/// Label rows of training pictures, from which the labels of generated pictures are drawn.
public struct LabelRows: Sendable, Equatable {
    /// Names of the K attributes.
    public let names: [String]
    /// Labels [count, K], row by row: 1 (present), -1 (absent) or 0 (unknown).
    public let values: [Int8]
    /// Whether the attributes are classes. Drawn rows then have a 1 for one class and 0 for the others.
    public let isExclusive: Bool

    /// Creates label rows from the names of K attributes and values [count, K].
    public init(names: [String], values: [Int8], isExclusive: Bool = false) {
        precondition(
            !names.isEmpty && values.count % names.count == 0,
            "LabelRows: expected a multiple of \(names.count) values, got \(values.count)")
        (self.names, self.values, self.isExclusive) = (names, values, isExclusive)
    }

    /// Number of rows.
    public var count: Int { values.count / names.count }

    /// Draws rows that contain the requested values, one for each position.
    ///
    /// The other values come from a row that agrees with all requested values or, if there is none, with most of
    /// them. A request for a beard therefore does not return lipstick, unless both are requested.
    /// - Parameters:
    ///   - requested: 1 or -1 by the index of the attribute.
    ///   - positions: values in 0..<1, each selects one of the agreeing rows.
    /// - Returns: one row of K values per position.
    public func rows(requested: [Int: Int8], positions: [Double]) -> [[Int8]] {
        guard !isExclusive else { return positions.map { oneHot(requested, $0) } }
        let found = rows(agreeingWith: requested)
        return positions.map { position in
            guard !found.isEmpty else { return names.indices.map { requested[$0] ?? 0 } }
            let start = found[min(found.count - 1, Int(position * Double(found.count)))] * names.count
            return names.indices.map { requested[$0] ?? values[start + $0] }
        }
    }

    /// Row of the requested class, otherwise of a class of the label rows, otherwise of any class that is not excluded.
    private func oneHot(_ requested: [Int: Int8], _ position: Double) -> [Int8] {
        func pick(_ classes: [Int]) -> Int? {
            classes.isEmpty ? nil : classes[min(classes.count - 1, Int(position * Double(classes.count)))]
        }
        let wanted = names.indices.first { requested[$0] == 1 }
        let known =
            wanted == nil
            ? (0..<count).compactMap { row in
                names.indices.first { values[row * names.count + $0] == 1 && requested[$0] != -1 }
            } : []
        let chosen = wanted ?? pick(known) ?? pick(names.indices.filter { requested[$0] != -1 })
        return names.indices.map { $0 == chosen ? 1 : 0 }
    }

    /// Indices of the rows with the most requested values.
    private func rows(agreeingWith requested: [Int: Int8]) -> [Int] {
        guard !requested.isEmpty else { return Array(0..<count) }
        var (best, found) = (-1, [Int]())
        for row in 0..<count {
            let agreeing = requested.count { values[row * names.count + $0.key] == $0.value }
            if agreeing > best { (best, found) = (agreeing, []) }
            if agreeing == best { found.append(row) }
        }
        return found
    }
}

/// Draws latents for a generator: z from its latent space and, for a conditional generator, labels from label rows.
public struct LatentSampler: Sendable {
    /// Size and distribution of z.
    public let space: LatentSpace
    /// Label rows; nil for an unconditional generator.
    public let labels: LabelRows?
    /// Requested attributes, 1 or -1 by index, for all latents. The other attributes follow the label rows.
    public var requested: [Int: Int8] = [:]

    /// Creates a sampler.
    /// - Parameters:
    ///   - space: size and distribution of z.
    ///   - labels: label rows; nil for an unconditional generator.
    ///   - requested: requested attributes, 1 or -1 by index.
    public init(_ space: LatentSpace, labels: LabelRows? = nil, requested: [Int: Int8] = [:]) {
        (self.space, self.labels, self.requested) = (space, labels, requested)
    }

    /// Draws `count` latents from a stream: z [count, Z], labels [count, K].
    public func sample(_ count: Int, random: RandomSource) -> Latents {
        let z = space.sample(count, random: random)
        return Latents(z, labels: labelRows { Tensor.uniform([count], random: random).floats() })
    }

    /// Draws one row per seed, independent of the other seeds. z does not depend on the requested attributes.
    /// - Returns: z [N, Z] and labels [N, K] for N seeds.
    public func sample(seeds: [UInt64]) -> Latents {
        let streams = seeds.map { RandomSource(seed: $0) }
        let z = Tensor.concatenated(streams.map { space.sample(1, random: $0) })
        return Latents(
            z, labels: labelRows { streams.flatMap { Tensor.uniform([1], random: $0).floats() } })
    }

    /// Labels [N, K]; nil for an unconditional generator, which draws no positions.
    private func labelRows(positions: () -> [Float]) -> Tensor? {
        guard let labels else { return nil }
        let rows = labels.rows(requested: requested, positions: positions().map(Double.init))
        return Tensor(rows.flatMap { $0.map(Float.init) }, shape: [rows.count, labels.names.count])
    }
}
