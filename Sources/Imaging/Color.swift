/// A color for drawing, sRGB 0...255.
public struct Color: Sendable, Equatable {
    public var red: UInt8
    public var green: UInt8
    public var blue: UInt8

    public init(red: UInt8, green: UInt8, blue: UInt8) {
        self.red = red
        self.green = green
        self.blue = blue
    }

    /// A gray, 0 (black) ... 255 (white).
    public init(gray: UInt8) { self.init(red: gray, green: gray, blue: gray) }

    /// From 0xRRGGBB.
    init(_ hex: UInt32) {
        self.init(red: UInt8(hex >> 16 & 255), green: UInt8(hex >> 8 & 255), blue: UInt8(hex & 255))
    }

    public static let black = Color(gray: 0)
    public static let white = Color(gray: 255)

    private var luminance: UInt8 {
        let (r, g, b) = (Int(red), Int(green), Int(blue))
        return UInt8((r * 299 + g * 587 + b * 114 + 500) / 1000)
    }

    /// The values that stand for it in a picture of so many channels.
    func values(channels: Int) -> [UInt8] {
        switch channels {
        case 1: [luminance]
        case 3: [red, green, blue]
        default: [red, green, blue, 255]
        }
    }
}
