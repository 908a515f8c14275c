import Synthesis

/// Style mixing: some rows of w+ of one face, and the others of another face (Karras et al. 2019, section 3.1).
public enum StyleMix {
    /// Groups of rows of w+, as in figure 3 of the paper: two resolutions each for coarse and middle styles.
    public enum Styles: String, Sendable, CaseIterable {
        /// Rows of 4 x 4 and 8 x 8: pose, shape of the face, hair style, glasses.
        case coarse
        /// Rows of 16 x 16 and 32 x 32: features of the face, eyes, mouth.
        case middle
        /// Rows of larger resolutions: colors and details.
        case fine

        /// Rows of a generator with a number of rows, two for each resolution from 4 x 4.
        ///
        /// For a generator of 32 x 32 pixels or less, middle and fine styles have fewer rows. Nil if there are none.
        public func layers(of count: Int) -> ClosedRange<Int>? {
            let (first, last) =
                switch self {
                case .coarse: (0, min(3, count - 1))
                case .middle: (4, min(7, count - 1))
                case .fine: (8, count - 1)
                }
            return first <= last ? first...last : nil
        }
    }

    /// Latent with rows of another one.
    /// - Parameters:
    ///   - target: w+ [L, W], which provides the other rows.
    ///   - source: w+ [L, W], which provides `layers`.
    ///   - layers: rows of the source.
    /// - Throws: `EditError` for latents of other spaces or shapes, or for layers that they do not have.
    public static func mixed(_ target: LatentPoint, _ source: LatentPoint, layers: ClosedRange<Int>) throws
        -> LatentPoint
    {
        guard target.space == .wPlus, source.space == .wPlus, target.shape == source.shape else {
            throw EditError(
                "mix: expected two latents in space w+ of one shape, got \(target.space.rawValue) \(target.shape) and"
                    + " \(source.space.rawValue) \(source.shape)")
        }
        guard layers.lowerBound >= 0, layers.upperBound < target.shape[0] else {
            throw EditError(
                "layers: expected a range within 0-\(target.shape[0] - 1), got \(layers.lowerBound)-\(layers.upperBound)"
            )
        }
        let width = target.shape[1]
        var values = target.values
        let range = (layers.lowerBound * width)..<((layers.upperBound + 1) * width)
        values.replaceSubrange(range, with: source.values[range])
        return try LatentPoint(
            .wPlus, shape: target.shape, values: values,
            origin: "\(target.origin) with rows of \(source.origin)")
    }

    /// Cells of a figure: an empty one and the sources in the first row, then a row for each target with its mixtures.
    ///
    /// - Parameters:
    ///   - origins: sources, then targets, in w+.
    ///   - columns: number of sources.
    ///   - layers: rows of w+ that come from the sources.
    static func cells(_ origins: [LatentPoint], columns: Int, layers: ClosedRange<Int>) throws
        -> [LatentPoint?]
    {
        guard columns > 0, columns < origins.count else {
            throw EditError("mix: expected 1 or more sources and targets, got \(origins.count) faces")
        }
        let (sources, targets) = (Array(origins.prefix(columns)), origins.dropFirst(columns))
        var cells: [LatentPoint?] = [nil]
        cells += sources
        for target in targets {
            cells.append(target)
            for source in sources { cells.append(try mixed(target, source, layers: layers)) }
        }
        return cells
    }
}
