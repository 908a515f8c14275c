/// Range of pixel values.
///
/// On the host a picture is UInt8, NHWC, 0...255. On the device it is Float, NCHW, -1...1, channels last in memory. 0 is -1,
/// 255 is 1, and 127.5 is 0. `Tensor.pictures(_:count:height:width:on:)` and `Tensor.pixels()` convert between both.
public enum PixelRange {
    /// Host value of the device value 0; also the number of host levels for a difference of 1 on the device.
    public static let middle = 127.5
}

extension Tensor {
    /// Values of -1...1 as levels 0...255, not rounded: (x + 1) * 127.5.
    public var levels: Tensor { (self + 1) * PixelRange.middle }
}
