import Imaging
import Settings
import Torch

/// Computes the input of a restorer from target pictures.
public struct RestorerInput {
    private let settings: InputSettings

    /// Creates a function with these settings.
    public init(_ settings: InputSettings) { self.settings = settings }

    /// Computes inputs.
    /// - Parameters:
    ///   - pictures: target pictures [N, 3, side, side] in -1...1.
    ///   - warps: whether pictures are warped, if the settings enable it.
    ///   - random: stream of random values; unused if the input is not random.
    /// - Returns: [N, 3, side / enlargement, side / enlargement] in -1...1.
    public func callAsFunction(_ pictures: Tensor, warps: Bool = false, random: RandomSource) -> Tensor {
        withoutGradients {
            switch settings.kind {
            case .same: pictures
            case .warped:
                warps ? FaceWarp.warped(pictures, amount: settings.warp, random: random) : pictures
            case .smaller: reduced(pictures, random: random)
            }
        }
    }

    /// Downsampled pictures [N, 3, side / scale, side / scale], optionally degraded.
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

    /// Gaussian blur of a picture [1, 3, H, W] with mirrored borders. The deviation is in pixels.
    private static func blurred(_ picture: Tensor, deviation: Double) -> Tensor {
        // Reflection padding is limited to the size of the picture.
        let radius = min(Int((3 * deviation).rounded(.up)), picture.shape[2] - 1)
        guard radius > 0 else { return picture }
        let planes = picture.transposed(0, 1).reflectionPadded([radius, radius, radius, radius])
        return planes.smoothed(window: 2 * radius + 1, deviation: deviation).transposed(0, 1)
    }

    /// JPEG compression and decompression of a picture [1, 3, H, W] in -1...1. Quality 100 disables it.
    private static func compressed(_ picture: Tensor, quality: Int) -> Tensor {
        guard quality < 100 else { return picture.clamped(-1...1) }
        let (height, width) = (picture.shape[2], picture.shape[3])
        let pixels = picture.pixels().bytes()
        let host = Picture(width: width, height: height, channels: 3, pixels: pixels)
        guard let file = try? PictureEncoder.jpeg(host, quality: quality),
            let decoded = try? PictureDecoder.decode(file).picture.rgb()
        else {
            preconditionFailure(
                "RestorerInput: JPEG encoding or decoding of a \(width) x \(height) picture failed")
        }
        return Tensor.pictures(decoded.pixels, count: 1, height: height, width: width, on: picture.device)
    }
}

/// Computation of restorer inputs from target pictures.
public struct InputSettings: SettingsGroup, Equatable {
    /// Difference between inputs and target pictures.
    public enum Kind: String, Sendable, CaseIterable {
        /// Inputs are the target pictures.
        case same
        /// Randomly warped pictures, in training phases with warping.
        case warped
        /// Downsampled pictures.
        case smaller
    }

    /// Kind of downsampling.
    public enum Degradation: String, Sendable, CaseIterable {
        /// Bicubic filter with antialiasing.
        case bicubic
        /// Blur, bicubic downsampling, noise and JPEG compression, each with a random strength.
        case realistic
    }

    /// Difference between inputs and target pictures.
    public var kind = Kind.same
    /// Standard deviation of the displacement of grid nodes, in cells.
    public var warp = 0.24
    /// Downsampling factor: 2, 4 or 8.
    public var scale = 4
    /// Kind of downsampling.
    public var degradation = Degradation.bicubic
    /// Maximum standard deviation of the blur, in pixels of the target picture.
    public var blurPixels = 2.0
    /// Maximum standard deviation of the noise, in levels of 0...255.
    public var noiseLevels = 10.0
    /// Minimum JPEG quality; 100 disables compression.
    public var jpegQuality = 50

    /// Creates settings with the default values.
    public init() {}

    /// Visits the fields.
    /// - Throws: errors of the visitor; throws no others.
    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.choice("kind", &kind, "Input of the restorer: the target picture, warped or downsampled.")
        switch kind {
        case .same: break
        case .warped:
            try v.number(
                "warp", &warp, in: 0...1, "Standard deviation of the displacement of grid nodes, in cells.")
        case .smaller:
            try v.integer("scale", &scale, in: 2...8, "Downsampling factor: 2, 4 or 8.")
            try v.check(scale.nonzeroBitCount == 1, "scale", "2, 4 or 8")
            try v.choice(
                "degradation", &degradation,
                "Bicubic downsampling only, or also blur, noise and JPEG compression."
            )
            guard degradation == .realistic else { return }
            try v.number(
                "blurPixels", &blurPixels, in: 0...20, "Maximum standard deviation of the blur, in pixels.")
            try v.number(
                "noiseLevels", &noiseLevels, in: 0...100,
                "Maximum standard deviation of the noise, in levels of 0...255.")
            try v.integer(
                "jpegQuality", &jpegQuality, in: 10...100, "Minimum JPEG quality; 100: no compression.")
        }
    }

    /// Ratio of the sides of target picture and input.
    public var enlargement: Int { kind == .smaller ? scale : 1 }
}

/// Random warping of pictures by a coarse grid with displaced nodes, as in the training of DeepFaceLab.
enum FaceWarp {
    /// Numbers of cells per side from which one is drawn.
    private static let cells = [2, 4, 8]

    /// Warps each picture by its own grid.
    /// - Parameters:
    ///   - pictures: [N, C, side, side].
    ///   - amount: standard deviation of the displacement of inner nodes, in cells; 0 leaves pictures unchanged.
    ///   - random: stream of grids and displacements.
    /// - Returns: [N, C, side, side].
    static func warped(_ pictures: Tensor, amount: Double, random: RandomSource) -> Tensor {
        let (count, side) = (pictures.shape[0], pictures.shape[2])
        let fields = (0..<count).map { _ in field(side, amount, random) }
        return pictures.sampled(at: Tensor.concatenated(fields).to(pictures.device).to(pictures.dtype))
    }

    /// Sampling positions of the pixels in -1...1, [1, side, side, 2].
    private static func field(_ side: Int, _ amount: Double, _ random: RandomSource) -> Tensor {
        let draw = Int(Tensor.uniform([1], 0, Double(cells.count), random: random).floats()[0])
        let cells = cells[min(draw, cells.count - 1)]
        let line = Tensor((0...cells).map { Float(2 * Double($0) / Double(cells) - 1) })
        let shape = [1, 1, cells + 1, cells + 1]
        let x = line.reshape([1, 1, 1, cells + 1]).expanded(to: shape)
        let y = line.reshape([1, 1, cells + 1, 1]).expanded(to: shape)
        // Border nodes are not displaced.
        let inner =
            Tensor.normal([1, 2, cells - 1, cells - 1], random: random) * (amount * 2 / Double(cells))
        let nodes = Tensor.concatenated([x, y], 1) + inner.padded([1, 1, 1, 1])
        return nodes.upsampledBilinear(height: side, width: side, alignCorners: true).permuted([0, 2, 3, 1])
            .contiguous()
    }
}
