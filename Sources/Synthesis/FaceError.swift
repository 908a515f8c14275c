/// Why a photograph has not the face that was asked for.
public enum FaceError: Error, Sendable, Equatable, CustomStringConvertible {
    case none
    /// Sizes in pixels, the largest first.
    case several(sizes: [Int])
    /// Sizes in pixels, the largest first, all below the minimum.
    case small(sizes: [Int], minimum: Int)

    public var description: String {
        switch self {
        case .none:
            "no face was found; both eyes must be seen, and the face be ten pixels wide or more"
        case .several(let sizes):
            "\(sizes.count) faces were found (\(Self.list(sizes)) pixels): choose the largest, the one in the "
                + "center, or all of them"
        case .small(let sizes, let minimum):
            (sizes.count == 1 ? "the face is of" : "\(sizes.count) faces were found, of")
                + " \(Self.list(sizes)) pixels, less than the \(minimum) asked for: take a larger photograph, or "
                + "allow smaller faces"
        }
    }

    private static func list(_ sizes: [Int]) -> String {
        let shown = sizes.prefix(5).map(String.init).joined(separator: ", ")
        return sizes.count > 5 ? shown + ", ..." : shown
    }
}
