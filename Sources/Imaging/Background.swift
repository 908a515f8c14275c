/// Color behind the transparent pixels of a picture.
public struct Background: Sendable, Equatable {
    /// Red, 0...255.
    public let red: UInt8
    /// Green, 0...255.
    public let green: UInt8
    /// Blue, 0...255.
    public let blue: UInt8

    /// White, the default.
    public static let white = Background(red: 255, green: 255, blue: 255)

    private static let names: [String: Background] = [
        "white": white, "black": Background(red: 0, green: 0, blue: 0),
        "gray": Background(red: 128, green: 128, blue: 128),
    ]

    /// Creates a color.
    public init(red: UInt8, green: UInt8, blue: UInt8) {
        (self.red, self.green, self.blue) = (red, green, blue)
    }

    /// Parses `white`, `black`, `gray`, or six hexadecimal digits with or without `#`, such as `#f0f0f0`. Returns nil
    /// for any other text.
    public init?(_ text: String) {
        if let named = Self.names[text] {
            self = named
            return
        }
        let digits = text.hasPrefix("#") ? text.dropFirst() : text[...]
        guard digits.utf8.count == 6, digits.allSatisfy({ $0.isASCII && $0.isHexDigit }),
            let value = UInt32(digits, radix: 16)
        else { return nil }
        self.init(red: UInt8(value >> 16 & 255), green: UInt8(value >> 8 & 255), blue: UInt8(value & 255))
    }

    /// Six lowercase hexadecimal digits.
    public var hexadecimal: String {
        [red, green, blue].map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
