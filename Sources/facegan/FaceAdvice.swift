import Synthesis

/// What to do when a photograph has not the face that was asked for.
enum FaceAdvice {
    /// An error and the options that help against it.
    /// - Parameter canLookCloser: whether the command has `--thorough`.
    static func text(on error: any Error, canLookCloser: Bool = false) -> String {
        switch error as? FaceError {
        case .some(.none):
            canLookCloser ? "\(FaceError.none); --thorough looks for smaller ones" : "\(FaceError.none)"
        case .some(.several): "\(error): --faces largest, centre or all"
        case .some(.small): "\(error): --min-face"
        case nil: "\(error)"
        }
    }
}
