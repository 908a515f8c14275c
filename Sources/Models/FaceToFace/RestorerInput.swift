import Imaging
import Torch

/// Makes what a restorer is given from the pictures that it should give back.
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
                + noise * (draws[1] * settings.noiseLevels / 127.5)
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
