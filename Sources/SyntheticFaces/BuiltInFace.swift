import Imaging

/// A drawn face with its true attributes and landmarks.
public struct BuiltInFace: Sendable, Equatable {
    /// RGB, square.
    public let picture: Picture
    /// One value for each of `BuiltInFaces.attributeNames`: 1 present, -1 absent, 0 not defined.
    public let attributes: [Int8]
    /// Left eye, right eye, nose, left and right corner of the mouth, as the viewer sees them, in pixels from the top
    /// left corner of the picture.
    public let landmarks: [SIMD2<Float>]
}
