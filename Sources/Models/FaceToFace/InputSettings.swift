import Settings

/// What a restorer is given of the pictures that it should make.
public struct InputSettings: SettingsGroup, Equatable {
    /// How the inputs differ from the pictures.
    public enum Kind: String, Sendable, CaseIterable {
        /// Not at all.
        case same
        /// Bent here and there, in the phases that warp.
        case warped
        /// Smaller.
        case smaller
    }

    /// How pictures become smaller.
    public enum Degradation: String, Sendable, CaseIterable {
        /// By cubics that take in every pixel.
        case bicubic
        /// As photographs suffer: blurred, reduced, noisy, compressed, each by a random amount.
        case realistic
    }

    public var kind = Kind.same
    /// Random displacement of the nodes of a coarse grid, in cells.
    public var warp = 0.24
    /// Sides become this many times smaller.
    public var scale = 4
    public var degradation = Degradation.bicubic
    /// Largest deviation of the blur, in pixels of the large picture.
    public var blurPixels = 2.0
    /// Largest deviation of the noise, in levels of 255.
    public var noiseLevels = 10.0
    /// Lowest quality of the JPEG; 100 for none.
    public var jpegQuality = 50

    public init() {}

    public mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.choice("kind", &kind, "The pictures themselves, bent ones, or smaller ones.")
        switch kind {
        case .same: break
        case .warped:
            try v.number("warp", &warp, in: 0...1, "Displacement of a coarse grid's nodes, in cells.")
        case .smaller:
            try v.integer("scale", &scale, in: 2...8, "Sides become this many times smaller: 2, 4 or 8.")
            try v.check(scale.nonzeroBitCount == 1, "scale", "2, 4 or 8")
            try v.choice(
                "degradation", &degradation, "Cubics alone, or blur, noise and compression of random amounts."
            )
            guard degradation == .realistic else { return }
            try v.number("blurPixels", &blurPixels, in: 0...20, "Largest deviation of the blur, in pixels.")
            try v.number(
                "noiseLevels", &noiseLevels, in: 0...100, "Largest deviation of the noise, in levels of 255.")
            try v.integer("jpegQuality", &jpegQuality, in: 10...100, "Lowest quality of the JPEG; 100: none.")
        }
    }

    /// How many times as large as the inputs the pictures are.
    public var enlargement: Int { kind == .smaller ? scale : 1 }
}
