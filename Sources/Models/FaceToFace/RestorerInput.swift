import Imaging
import Settings
import Torch

/// Computes the input of a restorer from target pictures.
public struct RestorerInput {
    private let settings: InputSettings

    public init(_ settings: InputSettings) { self.settings = settings }

    /// - Parameters:
    ///   - pictures: [N, 3, side, side], in -1...1.
    ///   - warps: whether pictures are bent, where the settings say that they can be.
    ///   - random: what is drawn from; nothing is for inputs that are not random.
    /// - Returns: [N, 3, side / enlargement, ...], in -1...1.
    public func callAsFunction(_ pictures: Tensor, warps: Bool = false, random: RandomSource) -> Tensor {
        withoutGradients {
            switch settings.kind {
            case .same: pictures
            case .warped:
                warps ? FaceWarp.bent(pictures, amount: settings.warp, random: random) : pictures
            case .smaller: reduced(pictures, random: random)
            }
        }
    }

    private func reduced(_ pictures: Tensor, random: RandomSource) -> Tensor {
        let side = pictures.shape[2] / settings.scale
        guard settings.degradation == .realistic else {
            return pictures.resizedBicubic(height: side, width: side).clamped(-1...1)
        }
        let small = (0..<pictures.shape[0]).map { index in
            let draws = Tensor.uniform([3], random: random).floats().map(Double.init)
            let blurred = Self.blurred(
                pictures[index..<(index + 1)], deviation: draws[0] * settings.blurPixels)
            let noise = Tensor.normal([1, 3, side, side], random: random).to(pictures.device)
            let noisy =
                blurred.resizedBicubic(height: side, width: side)
                + noise * (draws[1] * settings.noiseLevels / PixelRange.middle)
            let quality = 100 - Int(draws[2] * Double(100 - settings.jpegQuality))
            return Self.compressed(noisy, quality: quality)
        }
        return Tensor.concatenated(small).to(.channelsLast)
    }

    /// A Gaussian blur; borders are mirrored. [1, 3, H, W].
    private static func blurred(_ picture: Tensor, deviation: Double) -> Tensor {
        // A mirror has as many pixels as the picture.
        let reach = min(Int((3 * deviation).rounded(.up)), picture.shape[2] - 1)
        guard reach > 0 else { return picture }
        let planes = picture.transposed(0, 1).reflectionPadded([reach, reach, reach, reach])
        return planes.smoothed(window: 2 * reach + 1, deviation: deviation).transposed(0, 1)
    }

    /// Through a JPEG file and back; 100 leaves the picture as it is. [1, 3, H, W] in -1...1.
    private static func compressed(_ picture: Tensor, quality: Int) -> Tensor {
        guard quality < 100 else { return picture.clamped(-1...1) }
        let (height, width) = (picture.shape[2], picture.shape[3])
        let pixels = picture.pixels().bytes()
        let host = Picture(width: width, height: height, channels: 3, pixels: pixels)
        guard let file = try? PictureEncoder.jpeg(host, quality: quality),
            let decoded = try? PictureDecoder.decode(file).picture.rgb()
        else { preconditionFailure("a picture of ours does not go through its own codec") }
        return Tensor.pictures(decoded.pixels, count: 1, height: height, width: width, on: picture.device)
    }
}

/// What a restorer is given of the pictures that it should make.
public struct InputSettings: SettingsGroup, Equatable {
    /// How the inputs differ from the pictures.
    public enum Kind: String, Sendable, CaseIterable {
        /// Not at all.
        case same
        /// Bent here and there, in the phases that warp.
        case warped
        /// Smaller.
        case smaller
    }

    /// How pictures become smaller.
    public enum Degradation: String, Sendable, CaseIterable {
        /// By cubics that take in every pixel.
        case bicubic
        /// As photographs suffer: blurred, reduced, noisy, compressed, each by a random amount.
        case realistic
    }

    public var kind = Kind.same
    /// Random displacement of the nodes of a coarse grid, in cells.
    public var warp = 0.24
    /// Sides become this many times smaller.
    public var scale = 4
    public var degradation = Degradation.bicubic
    /// Largest deviation of the blur, in pixels of the large picture.
    public var blurPixels = 2.0
    /// Largest deviation of the noise, in levels of 255.
    public var noiseLevels = 10.0
    /// Lowest quality of the JPEG; 100 for none.
    public var jpegQuality = 50

    public init() {}

    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.choice("kind", &kind, "The pictures themselves, bent ones, or smaller ones.")
        switch kind {
        case .same: break
        case .warped:
            try v.number("warp", &warp, in: 0...1, "Displacement of a coarse grid's nodes, in cells.")
        case .smaller:
            try v.integer("scale", &scale, in: 2...8, "Sides become this many times smaller: 2, 4 or 8.")
            try v.check(scale.nonzeroBitCount == 1, "scale", "2, 4 or 8")
            try v.choice(
                "degradation", &degradation, "Cubics alone, or blur, noise and compression of random amounts."
            )
            guard degradation == .realistic else { return }
            try v.number("blurPixels", &blurPixels, in: 0...20, "Largest deviation of the blur, in pixels.")
            try v.number(
                "noiseLevels", &noiseLevels, in: 0...100, "Largest deviation of the noise, in levels of 255.")
            try v.integer("jpegQuality", &jpegQuality, in: 10...100, "Lowest quality of the JPEG; 100: none.")
        }
    }

    /// How many times as large as the inputs the pictures are.
    public var enlargement: Int { kind == .smaller ? scale : 1 }
}

/// Bends pictures by a coarse grid whose nodes are moved at random, as DeepFaceLab's training does.
enum FaceWarp {
    /// Cells along a side of the grids that are drawn.
    private static let cells = [2, 4, 8]

    /// - Parameters:
    ///   - pictures: [N, C, side, side].
    ///   - amount: deviation of the inner nodes' displacement, in cells; 0 leaves the pictures as they are.
    static func bent(_ pictures: Tensor, amount: Double, random: RandomSource) -> Tensor {
        let (count, side) = (pictures.shape[0], pictures.shape[2])
        let fields = (0..<count).map { _ in field(side, amount, random) }
        return pictures.sampled(at: Tensor.concatenated(fields).to(pictures.device).to(pictures.dtype))
    }

    /// Where each pixel comes from, [1, side, side, 2].
    private static func field(_ side: Int, _ amount: Double, _ random: RandomSource) -> Tensor {
        let draw = Int(Tensor.uniform([1], 0, Double(cells.count), random: random).floats()[0])
        let cells = cells[min(draw, cells.count - 1)]
        let line = Tensor((0...cells).map { Float(2 * Double($0) / Double(cells) - 1) })
        let shape = [1, 1, cells + 1, cells + 1]
        let x = line.reshape([1, 1, 1, cells + 1]).expanded(to: shape)
        let y = line.reshape([1, 1, cells + 1, 1]).expanded(to: shape)
        // The rim stays where it is.
        let inner =
            Tensor.normal([1, 2, cells - 1, cells - 1], random: random) * (amount * 2 / Double(cells))
        let nodes = Tensor.concatenated([x, y], 1) + inner.padded([1, 1, 1, 1])
        return nodes.upsampledBilinear(height: side, width: side, alignCorners: true).permuted([0, 2, 3, 1])
            .contiguous()
    }
}
