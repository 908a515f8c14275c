import Console
import Synthesis

/// What to do when a photograph has not the face that was asked for.
enum FaceAdvice {
    /// An error and the options that help against it.
    /// - Parameter canLookCloser: whether the command has `--thorough`.
    static func text(on error: any Error, canLookCloser: Bool = false) -> String {
        switch error as? FaceError {
        case .some(.none):
            canLookCloser ? "\(FaceError.none); --thorough looks for smaller ones" : "\(FaceError.none)"
        case .some(.several): "\(error): --faces largest, center or all"
        case .some(.small): "\(error): --min-face"
        case nil: "\(error)"
        }
    }

    /// The end of a walk's last line, when some photographs had more faces than were taken; empty for none.
    static func text(onCrowds count: Int, _ choice: FaceChoice) -> String {
        count == 0
            ? ""
            : "; \(Readable.count(count, "photograph")) had several faces, of which \(choice.words) was taken"
                + " (--faces all: all of them)"
    }
}

extension FaceChoice {
    fileprivate var words: String { self == .center ? "the one nearest to the center" : "the largest" }
}
