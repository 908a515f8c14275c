import Imaging

/// Which of the faces in a photograph are meant.
public enum FaceChoice: String, Sendable, CaseIterable {
    /// The largest.
    case largest
    /// The one nearest to the photograph's center.
    case center
    /// All.
    case all
    /// The only one; several are an error.
    case one

    /// Whether it leaves out faces that are large enough.
    public func leavesSome(of faces: [DetectedFace], minimumSize: Int) -> Bool {
        self != .all && faces.count { $0.size >= minimumSize } > 1
    }

    /// The faces that are meant, at least one; of all, the largest first.
    ///
    /// - Parameters:
    ///   - minimumSize: smaller faces are left out, in pixels.
    /// - Throws: `FaceError` that says what was found instead.
    public func choose(
        from faces: [DetectedFace], in photo: Picture, minimumSize: Int = 0
    ) throws -> [DetectedFace] {
        let sorted = faces.sorted { $0.size > $1.size }
        let large = sorted.filter { $0.size >= minimumSize }
        guard let largest = large.first else {
            throw sorted.isEmpty
                ? FaceError.none : FaceError.small(sizes: sorted.map(\.size), minimum: minimumSize)
        }
        switch self {
        case .largest: return [largest]
        case .all: return large
        case .one:
            guard large.count == 1 else { throw FaceError.several(sizes: large.map(\.size)) }
            return large
        case .center:
            let center = PicturePoint(x: Double(photo.width) / 2, y: Double(photo.height) / 2)
            func distance(_ face: DetectedFace) -> Double {
                PicturePoint(
                    x: Double(face.box.x) + Double(face.box.width) / 2,
                    y: Double(face.box.y) + Double(face.box.height) / 2
                ).distance(to: center)
            }
            return [large.min { distance($0) < distance($1) } ?? largest]
        }
    }
}
