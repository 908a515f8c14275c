import Imaging

/// A rendered face with its attributes and landmarks.
public struct BuiltInFaces: Sendable {
    /// CelebA's attribute names in their official order (Liu et al., 2015).
    public static let attributeNames: [String] = [
        "5_o_Clock_Shadow", "Arched_Eyebrows", "Attractive", "Bags_Under_Eyes", "Bald", "Bangs", "Big_Lips",
        "Big_Nose", "Black_Hair", "Blond_Hair", "Blurry", "Brown_Hair", "Bushy_Eyebrows", "Chubby",
        "Double_Chin",
        "Eyeglasses", "Goatee", "Gray_Hair", "Heavy_Makeup", "High_Cheekbones", "Male", "Mouth_Slightly_Open",
        "Mustache", "Narrow_Eyes", "No_Beard", "Oval_Face", "Pale_Skin", "Pointy_Nose", "Receding_Hairline",
        "Rosy_Cheeks", "Sideburns", "Smiling", "Straight_Hair", "Wavy_Hair", "Wearing_Earrings",
        "Wearing_Hat",
        "Wearing_Lipstick", "Wearing_Necklace", "Wearing_Necktie", "Young",
    ]

    /// Seed of the data set.
    public let seed: UInt64

    /// Creates the data set with a seed.
    public init(seed: UInt64 = 0) { self.seed = seed }

    /// Renders a face.
    ///
    /// - Parameters:
    ///   - index: any integer; faces with different indices are independent.
    ///   - size: width and height in pixels, 8...1024.
    public func face(_ index: Int, size: Int) -> BuiltInFace {
        precondition((8...1024).contains(size), "BuiltInFaces.face: expected a size in 8...1024, got \(size)")
        let traits = FaceTraits(seed: seed, index: index)
        let portrait = Portrait(traits, size: size)
        return BuiltInFace(
            picture: portrait.render(size: size), attributes: traits.attributes, landmarks: portrait.landmarks
        )
    }

    /// Returns attributes and landmarks of `face(index, size: size)` without rendering it.
    public func labels(_ index: Int, size: Int) -> (attributes: [Int8], landmarks: [SIMD2<Float>]) {
        let traits = FaceTraits(seed: seed, index: index)
        return (traits.attributes, Portrait(traits, size: size).landmarks)
    }
}

/// A drawn face with its true attributes and landmarks.
public struct BuiltInFace: Sendable, Equatable {
    /// Square RGB picture.
    public let picture: Picture
    /// One value for each of `BuiltInFaces.attributeNames`: 1 present, -1 absent, 0 not defined.
    public let attributes: [Int8]
    /// Left eye, right eye, nose, left and right corner of the mouth, as the viewer sees them, in pixels from the
    /// upper left corner of the picture.
    public let landmarks: [SIMD2<Float>]
}

extension RandomStream {
    /// Random stream of a face.
    init(face index: Int, seed: UInt64) {
        self.init(seed: seed, stream: 0xFACE, index: UInt64(bitPattern: Int64(index)))
    }

    /// Approximately normal number with standard deviation 1 and a magnitude of at most 3.5: the scaled sum of four
    /// uniform numbers.
    mutating func bell() -> Float {
        (uniform() + uniform() + uniform() + uniform() - 2) * 1.732_050_8
    }

    /// Returns one of the choices with probabilities proportional to their weights.
    mutating func pick<Choice>(_ choices: [(Choice, Float)]) -> Choice {
        var left = uniform() * choices.reduce(0) { $0 + $1.1 }
        for (choice, weight) in choices {
            left -= weight
            if left < 0 { return choice }
        }
        return choices[choices.count - 1].0
    }
}
