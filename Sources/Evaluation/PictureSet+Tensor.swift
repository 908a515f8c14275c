import Torch

extension PictureSet {
    /// Pictures of a range on a device: [N, 3, side, side] in -1...1, channels last in memory.
    public func images(_ range: Range<Int>, on device: Device = .cpu) -> Tensor {
        Tensor.pictures(pixels(range), count: range.count, side: side, on: device)
    }
}
