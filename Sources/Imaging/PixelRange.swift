/// Conversion between pixel values on the host and on the device.
///
/// On the host, pixels are UInt8 in NHWC order, 0...255. On the device, they are Float in NCHW order, -1...1. 0 maps
/// to -1, 255 to 1, and 127.5 to 0.
public enum PixelRange {
    /// Factor of the conversion: a device value is `host * scale + offset`.
    public static let scale: Float = 1 / 127.5
    /// Offset of the conversion.
    public static let offset: Float = -1

    /// Converts 0...255 to -1...1.
    @inlinable public static func device(_ host: UInt8) -> Float { Float(host) * scale + offset }

    /// Converts -1...1 to 0...255 with rounding. Values outside are clamped. NaN becomes 0.
    @inlinable public static func host(_ device: Float) -> UInt8 {
        let value = ((device - offset) * 127.5).rounded(.toNearestOrEven)
        return value > 0 ? UInt8(min(value, 255)) : 0
    }
}
