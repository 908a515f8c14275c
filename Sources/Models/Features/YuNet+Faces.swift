import Foundation
import Torch

extension YuNet {
    /// A face that was found; places in pixels from the picture's upper left corner, perhaps outside it.
    public struct Face: Sendable, Equatable {
        /// How sure the network is, 0...1.
        public let score: Double
        /// The box's left edge.
        public let x: Double
        /// The box's upper edge.
        public let y: Double
        public let width: Double
        public let height: Double
        /// Left eye, right eye, nose, left and right corner of the mouth, as the picture shows them.
        public let points: [SIMD2<Double>]

        public init(
            score: Double, x: Double, y: Double, width: Double, height: Double, points: [SIMD2<Double>]
        ) {
            (self.score, self.x, self.y, self.width, self.height) = (score, x, y, width, height)
            self.points = points
        }

        /// Intersection over union of the boxes, 0...1.
        public func overlap(with other: Face) -> Double {
            let width = min(x + self.width, other.x + other.width) - max(x, other.x)
            let height = min(y + self.height, other.y + other.height) - max(y, other.y)
            guard width > 0, height > 0 else { return 0 }
            let shared = width * height
            return shared / (self.width * self.height + other.width * other.height - shared)
        }
    }

    /// The faces in each picture, the surest first.
    ///
    /// - Parameters:
    ///   - images: [N, 3, H, W] in -1...1.
    ///   - score: less sure faces are left out.
    ///   - overlap: of two boxes that share more of their area, the surer one stays.
    public func faces(in images: Tensor, score: Double = 0.6, overlap: Double = 0.3) -> [[Face]] {
        let levels = withoutGradients { self(images) }
        var found = [[Face]](repeating: [], count: images.shape[0])
        for level in levels {
            let (height, width) = (level.classes.shape[2], level.classes.shape[3])
            let cells = height * width
            func values(_ tensor: Tensor) -> [Float] { tensor.contiguous().floats() }
            let (classes, objects) = (values(level.classes), values(level.objects))
            let (boxes, points) = (values(level.boxes), values(level.points))
            for picture in 0..<images.shape[0] {
                for cell in 0..<cells {
                    let sure = (classes[picture * cells + cell] * objects[picture * cells + cell])
                        .squareRoot()
                    guard Double(sure) >= score else { continue }
                    let stride = Double(level.stride)
                    let place = (x: Double(cell % width), y: Double(cell / width))
                    func box(_ i: Int) -> Double { Double(boxes[(picture * 4 + i) * cells + cell]) }
                    func point(_ i: Int) -> Double { Double(points[(picture * 10 + i) * cells + cell]) }
                    let size = (width: exp(box(2)) * stride, height: exp(box(3)) * stride)
                    let face = Face(
                        score: Double(sure), x: (place.x + box(0)) * stride - size.width / 2,
                        y: (place.y + box(1)) * stride - size.height / 2, width: size.width,
                        height: size.height,
                        points: (0..<5).map {
                            SIMD2(place.x + point(2 * $0), place.y + point(2 * $0 + 1)) * stride
                        })
                    guard size.width.isFinite, size.height.isFinite else { continue }
                    found[picture].append(face)
                }
            }
        }
        return found.map { Self.distinct($0, overlap: overlap) }
    }

    /// The surest of those that overlap (non-maximum suppression), the surest first.
    public static func distinct(_ faces: [Face], overlap: Double = 0.3) -> [Face] {
        var kept: [Face] = []
        for face in faces.sorted(by: { $0.score > $1.score })
        where kept.allSatisfy({ $0.overlap(with: face) <= overlap }) {
            kept.append(face)
        }
        return kept
    }
}
