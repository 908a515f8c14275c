import Torch

/// Random values for the augmentation of a batch. Their number per picture does not depend on the parameters.
package struct AugmentationDraws {
    /// Values per picture: at least as many as any kind of augmentation uses.
    private static let (uniformCount, normalCount) = (32, 16)

    private let uniform, normal: [Double]

    /// Draws values for a number of pictures.
    package init(pictures: Int, random: RandomSource) {
        func numbers(_ drawn: Tensor, _ count: Int) -> [Double] {
            // Out of memory: nothing was drawn, and the result is discarded.
            drawn.isPoisoned ? [Double](repeating: 0, count: pictures * count) : drawn.doubles()
        }
        uniform = numbers(
            Tensor.uniform([pictures, Self.uniformCount], random: random), Self.uniformCount)
        normal = numbers(Tensor.normal([pictures, Self.normalCount], random: random), Self.normalCount)
    }

    /// Values of one picture.
    package subscript(picture: Int) -> PictureDraws {
        PictureDraws(
            uniformValues: uniform[picture * Self.uniformCount..<(picture + 1) * Self.uniformCount],
            normalValues: normal[picture * Self.normalCount..<(picture + 1) * Self.normalCount])
    }
}

/// Random values of one picture, consumed in order.
package struct PictureDraws {
    fileprivate var uniformValues, normalValues: ArraySlice<Double>

    /// Uniform in 0..<1.
    mutating func uniform() -> Double { uniformValues.removeFirst() }

    /// Uniform in `range`.
    mutating func number(in range: Range<Double>) -> Double {
        range.lowerBound + uniform() * (range.upperBound - range.lowerBound)
    }

    /// Uniform integer in 0..<count.
    mutating func choice(of count: Int) -> Int { min(Int(uniform() * Double(count)), count - 1) }

    /// N(0, deviation²).
    mutating func normal(_ deviation: Double) -> Double { normalValues.removeFirst() * deviation }

    /// True with this probability.
    mutating func happens(_ probability: Double) -> Bool { uniform() < probability }
}

/// Size of a picture, in pixels.
package struct PictureSize {
    package let width, height: Int

    package init(width: Int, height: Int) { (self.width, self.height) = (width, height) }
}
