import Foundation
import Torch
import TorchNN

/// Face detector YuNet (Wu et al. 2023), variant n: pictures to faces with five landmarks, in one pass. 76 thousand
/// weights.
///
/// Detects upright and moderately rotated faces of about 10 to 300 pixels.
public final class YuNet: Module {
    /// Output of the heads at one of three strides.
    public struct Level {
        /// Distance between cells, in pixels: 8, 16 or 32.
        public let stride: Int
        /// Probability of a face per cell, 0...1, [N, 1, H, W].
        public let classes: Tensor
        /// Predicted quality of the box per cell, 0...1, [N, 1, H, W].
        public let objects: Tensor
        /// Boxes per cell, [N, 4, H, W]: center relative to the cell, then logarithms of width and height, in
        /// strides.
        public let boxes: Tensor
        /// Landmarks per cell, [N, 10, H, W]: x and y of five points relative to the cell, in strides.
        public let points: Tensor
    }

    let backbone: Backbone
    let neck: Neck
    let bboxHead: Head

    /// Creates the network with uninitialized weights.
    public override init() {
        (backbone, neck, bboxHead) = (Backbone(), Neck(), Head())
        super.init()
        train(false)
        freeze()
    }

    /// Computes the levels of pictures [N, 3, H, W] in -1...1 of any size. Black is added on the right and at the
    /// bottom, up to a multiple of 32.
    public func callAsFunction(_ images: Tensor) -> [Level] {
        let (height, width) = (images.shape[2], images.shape[3])
        func padding(_ size: Int) -> Int { (32 - size % 32) % 32 }
        // The network expects BGR in 0...255.
        let input = images.flipped([1]).levels.padded([0, padding(width), 0, padding(height)])
        return bboxHead(neck(backbone(input)))
    }

    /// 1 x 1 convolution, then a depthwise 3 x 3 convolution, optionally with batch normalization and ReLU.
    final class Unit: Layer {
        let conv1: Conv2d
        let conv2: Conv2d
        let bn: BatchNorm2d?

        init(_ inputs: Int, _ outputs: Int, isActive: Bool = true) {
            conv1 = Conv2d(inputs, outputs, kernel: 1)
            conv2 = Conv2d(outputs, outputs, kernel: 3, padding: 1, groups: outputs)
            bn = isActive ? BatchNorm2d(outputs) : nil
        }

        override func callAsFunction(_ input: Tensor) -> Tensor {
            let result = conv2(conv1(input))
            return bn.map { $0(result, slope: 0) } ?? result
        }
    }

    /// Two units. The second may change the number of channels.
    final class Block: Layer {
        let conv1: Unit
        let conv2: Unit

        init(_ inputs: Int, _ outputs: Int) { (conv1, conv2) = (Unit(inputs, inputs), Unit(inputs, outputs)) }

        override func callAsFunction(_ input: Tensor) -> Tensor { conv2(conv1(input)) }
    }

    /// First layers: [N, 3, H, W] to [N, 16, H / 2, W / 2].
    final class Stem: Layer {
        let conv1: Conv2d
        let conv2: Unit
        let bn1: BatchNorm2d

        override init() {
            (conv1, conv2) = (Conv2d(3, 16, kernel: 3, stride: 2, padding: 1), Unit(16, 16))
            bn1 = BatchNorm2d(16)
        }

        override func callAsFunction(_ input: Tensor) -> Tensor { conv2(bn1(conv1(input), slope: 0)) }
    }

    /// Pictures to three maps of 64 channels at strides 8, 16 and 32.
    final class Backbone: Module {
        let stem: Stem
        let blocks: [Block]

        override init() {
            stem = Stem()
            blocks = [Block(16, 64)] + (0..<4).map { _ in Block(64, 64) }
        }

        override var parts: [(key: String, part: Part)] {
            ([stem] + blocks as [Layer]).enumerated().map { ("model\($0)", .module($1)) }
        }

        func callAsFunction(_ input: Tensor) -> [Tensor] {
            var value = stem(input).maxPool2d(2, stride: 2)
            var maps: [Tensor] = []
            for (index, block) in blocks.enumerated() {
                value = block(value)
                if index >= 2 { maps.append(value) }
                if (1...3).contains(index) { value = value.maxPool2d(2, stride: 2) }
            }
            return maps
        }
    }

    /// Feature pyramid: adds each coarser map to the next finer one.
    final class Neck: Module {
        let lateralConvs = (0..<3).map { _ in Unit(64, 64) }

        func callAsFunction(_ maps: [Tensor]) -> [Tensor] {
            var maps = maps
            for index in [2, 1] {
                maps[index] = lateralConvs[index](maps[index])
                let size = maps[index - 1].shape
                maps[index - 1] =
                    maps[index - 1] + maps[index].upsampledNearest(height: size[2], width: size[3])
            }
            maps[0] = lateralConvs[0](maps[0])
            return maps
        }
    }

    /// Output layers: maps to classes, boxes, objects and points.
    final class Head: Module {
        let multiLevelShareConvs = (0..<3).map { _ in Sequential(Unit(64, 64)) }
        let multiLevelCls = Head.units(1)
        let multiLevelBbox = Head.units(4)
        let multiLevelObj = Head.units(1)
        let multiLevelKps = Head.units(10)

        private static func units(_ outputs: Int) -> [Unit] {
            (0..<3).map { _ in Unit(64, outputs, isActive: false) }
        }

        func callAsFunction(_ maps: [Tensor]) -> [Level] {
            maps.enumerated().map { index, map in
                let shared = multiLevelShareConvs[index](map)
                return Level(
                    stride: 8 << index, classes: multiLevelCls[index](shared).sigmoid(),
                    objects: multiLevelObj[index](shared).sigmoid(), boxes: multiLevelBbox[index](shared),
                    points: multiLevelKps[index](shared))
            }
        }
    }
}

extension YuNet {
    /// Detected face. Positions are in pixels from the upper left corner of the picture and may be outside it.
    public struct Face: Sendable, Equatable {
        /// Confidence, 0...1.
        public let score: Double
        /// Left edge of the box.
        public let x: Double
        /// Top edge of the box.
        public let y: Double
        /// Width of the box.
        public let width: Double
        /// Height of the box.
        public let height: Double
        /// Left eye, right eye, nose, left and right corner of the mouth, as seen in the picture.
        public let points: [SIMD2<Double>]

        /// Creates a face from its score, box and landmarks, in pixels.
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

    /// Detects the faces in each picture, in descending order of score.
    /// - Parameters:
    ///   - images: [N, 3, H, W] in -1...1.
    ///   - score: minimum score.
    ///   - overlap: maximum intersection over union of two faces. Of two boxes that overlap more, the one with the
    ///     lower score is removed.
    /// - Returns: one list per picture.
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
                    let confidence = (classes[picture * cells + cell] * objects[picture * cells + cell])
                        .squareRoot()
                    guard Double(confidence) >= score else { continue }
                    let stride = Double(level.stride)
                    let position = (x: Double(cell % width), y: Double(cell / width))
                    func box(_ i: Int) -> Double { Double(boxes[(picture * 4 + i) * cells + cell]) }
                    func point(_ i: Int) -> Double { Double(points[(picture * 10 + i) * cells + cell]) }
                    let size = (width: exp(box(2)) * stride, height: exp(box(3)) * stride)
                    let face = Face(
                        score: Double(confidence), x: (position.x + box(0)) * stride - size.width / 2,
                        y: (position.y + box(1)) * stride - size.height / 2, width: size.width,
                        height: size.height,
                        points: (0..<5).map {
                            SIMD2(position.x + point(2 * $0), position.y + point(2 * $0 + 1)) * stride
                        })
                    guard size.width.isFinite, size.height.isFinite else { continue }
                    found[picture].append(face)
                }
            }
        }
        return found.map { Self.distinct($0, overlap: overlap) }
    }

    /// Non-maximum suppression: the faces with the highest scores among overlapping ones, in descending order of
    /// score.
    public static func distinct(_ faces: [Face], overlap: Double = 0.3) -> [Face] {
        var kept: [Face] = []
        for face in faces.sorted(by: { $0.score > $1.score })
        where kept.allSatisfy({ $0.overlap(with: face) <= overlap }) {
            kept.append(face)
        }
        return kept
    }
}
