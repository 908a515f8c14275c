/// What can be wrong with pictures, labels, stores and downloads. The text says what, where, and what to do.
public struct DataError: Error, Sendable, Equatable, CustomStringConvertible {
    public let description: String

    public init(_ description: String) {
        self.description = description
    }

    static func unknownProtocol(_ name: String) -> DataError {
        DataError(
            "unknown data protocol '\(name)': expected a name such as celeba64-178, celeba64-148, celeba64-108, "
                + "lfw64-160, faces64 or square64, where 64 may be any power of two from 8 to 1024")
    }

    static func tooSmall(width: Int, height: Int, needed: String, protocol name: String) -> DataError {
        DataError(
            "the picture is \(width)x\(height), but the crop of protocol \(name) needs at least \(needed): "
                + "choose a protocol with a smaller crop, or square64, which fits every picture")
    }
}
