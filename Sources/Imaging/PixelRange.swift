/// What pixel values mean, said once.
///
/// On the host a picture is UInt8, NHWC (rows, then pixels, then channels), 0...255.
/// On the device it is Float, NCHW, -1...1. 0 is -1, 255 is 1, and 127.5 is 0.
public enum PixelRange {
    /// Host value to device value is `host * scale + offset`.
    public static let scale: Float = 1 / 127.5
    public static let offset: Float = -1

    /// 0...255 to -1...1.
    @inlinable public static func device(_ host: UInt8) -> Float { Float(host) * scale + offset }

    /// -1...1 to 0...255, rounded; what lies outside (or is not a number) is clamped (0).
    @inlinable public static func host(_ device: Float) -> UInt8 {
        let value = ((device - offset) * 127.5).rounded(.toNearestOrEven)
        return value > 0 ? UInt8(min(value, 255)) : 0
    }
}
