import Torch

extension PictureSet {
    /// Pictures of a range on a device: [N, 3, side, side] in -1...1, channels last in memory.
    public func images(_ range: Range<Int>, on device: Device = .cpu) -> Tensor {
        Tensor.pictures(pixels(range), count: range.count, side: side, on: device)
    }
}

extension Tensor {
    /// Host pixels [N, H, H, 3] on a device: [N, 3, H, H] in -1...1, channels last in memory.
    public static func pictures(_ pixels: [UInt8], count: Int, side: Int, on device: Device) -> Tensor {
        let bytes = pixels.withUnsafeBytes {
            Tensor(copying: $0, shape: [count, side, side, 3], dtype: .uint8)
        }
        return bytes.to(device).permuted([0, 3, 1, 2]).to(.float32) / 127.5 - 1
    }
}
