import Imaging
import Provenance
import Synthesis

/// Latents of the faces of an edited picture, and their arrangement.
public struct EditPlan: Sendable {
    /// Latents of the cells, row by row; nil for an empty cell.
    public let cells: [LatentPoint?]
    /// Columns of the picture.
    public let columns: Int
    /// Texts below the cells; nil for none.
    public let captions: [String]?

    /// Latents of the faces, in the order of their cells.
    public var points: [LatentPoint] { cells.compactMap(\.self) }

    /// Arranges edits of faces.
    /// - Parameters:
    ///   - origins: latents of the faces, in z or w+.
    ///   - edits: the edits.
    ///   - recipe: layout, layers and columns.
    ///   - isExclusive: whether labels are classes.
    /// - Throws: `EditError` for edits that do not fit the latents.
    public init(
        _ origins: [LatentPoint], _ edits: [ResolvedEdit], _ recipe: EditRecipe, isExclusive: Bool = false
    ) throws {
        func cell(_ origin: LatentPoint, _ factors: [Double]) throws -> LatentPoint {
            try origin.edited(edits, factors: factors, layers: recipe.layerRange, isExclusive: isExclusive)
        }
        func all(_ factor: Double) -> [Double] { edits.map { _ in factor } }
        switch recipe.layout {
        case .face:
            cells = try origins.map { try cell($0, all(1)) }
            columns = max(1, Int(Double(origins.count).squareRoot().rounded(.up)))
            captions = nil
        case .pairs:
            let width = max(1, min(recipe.columns, origins.count))
            cells = try stride(from: 0, to: origins.count, by: width).flatMap { start -> [LatentPoint?] in
                let originals: [LatentPoint?] = Array(origins[start..<min(start + width, origins.count)])
                let edited = try originals.map { try $0.map { try cell($0, all(1)) } }
                let missing = [LatentPoint?](repeating: nil, count: width - originals.count)
                return originals + missing + edited + missing
            }
            (columns, captions) = (width, nil)
        case .strip(let count):
            let factors = Self.factors(count)
            cells = try origins.flatMap { origin in try factors.map { try cell(origin, all($0)) } }
            columns = count
            let texts = factors.map { factor in
                edits.count == 1
                    ? Edit.signed(factor * edits[0].edit.amount)
                    : factor == 0 ? "0" : Edit.signed(factor) + "x"
            }
            captions = origins.flatMap { _ in texts }
        case .grid(let side):
            guard edits.count == 2, let origin = origins.first else {
                throw EditError("grid: expected two edits of one face, got \(edits.count) edits")
            }
            let factors = Self.factors(side)
            cells = try factors.reversed().flatMap { second in
                try factors.map { try cell(origin, [$0, second]) }
            }
            captions = factors.reversed().flatMap { second in
                factors.map { first in
                    "\(Edit.signed(first * edits[0].edit.amount)) \(Edit.signed(second * edits[1].edit.amount))"
                }
            }
            columns = side
        case .mix(let first, let last, let count):
            cells = try StyleMix.cells(origins, columns: count, layers: first...last)
            (columns, captions) = (count + 1, nil)
        }
    }

    /// Factors from -1 to 1 in equal steps; an odd number contains 0. One factor is 1.
    static func factors(_ count: Int) -> [Double] {
        count < 2 ? [1] : (0..<count).map { Double(2 * $0 - (count - 1)) / Double(count - 1) }
    }

    /// Picture of the faces of `points`, with the recipe in its mark.
    /// - Parameters:
    ///   - faces: one face for each latent.
    ///   - recipe: the recipe.
    public func picture(_ faces: [SyntheticImage], _ recipe: EditRecipe) -> SyntheticImage {
        var next = faces.makeIterator()
        let empty = Picture(width: 1, height: 1, channels: 3, filledWith: 255)
        let pictures = cells.map { $0 == nil ? empty : next.next()?.picture ?? empty }
        let picture =
            pictures.count == 1 && captions == nil
            ? pictures[0] : Grid.compose(pictures, columns: columns, captions: captions)
        return SyntheticImage(picture: picture, origin: Self.origin(recipe))
    }

    /// Mark of a picture of a recipe.
    static func origin(_ recipe: EditRecipe) -> Origin {
        var fields: [(name: String, value: String)] = []
        if let seeds = recipe.seeds { fields.append(("seeds", ranges(seeds))) }
        if let latents = recipe.latents {
            fields.append(("latents", latents.origins.joined(separator: ", ")))
        }
        if !recipe.steps.isEmpty {
            fields.append(("edit", recipe.steps.map { Edit($0.name, $0.amount).text }.joined(separator: ",")))
        }
        fields.append((EditRecipe.field, recipe.json))
        return Origin(software: recipe.program, model: recipe.model, fields: fields)
    }

    /// Seeds as a list, with ranges for consecutive ones.
    static func ranges(_ seeds: [UInt64]) -> String {
        var parts: [(first: UInt64, last: UInt64)] = []
        for seed in seeds {
            if let last = parts.last?.last, last < .max, seed == last + 1 {
                parts[parts.count - 1].last = seed
            } else {
                parts.append((seed, seed))
            }
        }
        return parts.map { $0.first == $0.last ? "\($0.first)" : "\($0.first)-\($0.last)" }.joined(
            separator: ",")
    }
}
