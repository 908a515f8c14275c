import Torch

/// Random numbers for a batch of pictures, as many for each picture whatever becomes of them.
package struct ViewDraws {
    /// At least as many as any kind of view takes.
    private static let (uniformCount, normalCount) = (32, 16)

    private let uniform, normal: [Double]

    package init(pictures: Int, random: RandomSource) {
        func numbers(_ drawn: Tensor, _ count: Int) -> [Double] {
            // Without memory nothing is drawn, and what becomes of the pictures is thrown away.
            drawn.isPoisoned ? [Double](repeating: 0, count: pictures * count) : drawn.doubles()
        }
        uniform = numbers(
            Tensor.uniform([pictures, Self.uniformCount], random: random), Self.uniformCount)
        normal = numbers(Tensor.normal([pictures, Self.normalCount], random: random), Self.normalCount)
    }

    package subscript(picture: Int) -> PictureDraws {
        PictureDraws(
            uniform: uniform[picture * Self.uniformCount..<(picture + 1) * Self.uniformCount],
            normal: normal[picture * Self.normalCount..<(picture + 1) * Self.normalCount])
    }
}

/// The numbers of one picture, taken one after the other.
package struct PictureDraws {
    fileprivate var uniform, normal: ArraySlice<Double>

    /// Uniform in 0..<1.
    mutating func share() -> Double { uniform.removeFirst() }

    /// Uniform in `range`.
    mutating func number(in range: Range<Double>) -> Double {
        range.lowerBound + share() * (range.upperBound - range.lowerBound)
    }

    /// Each of 0..<count as likely as the others.
    mutating func choice(of count: Int) -> Int { min(Int(share() * Double(count)), count - 1) }

    /// N(0, deviation²).
    mutating func normal(_ deviation: Double) -> Double { normal.removeFirst() * deviation }

    /// True with this probability.
    mutating func happens(_ probability: Double) -> Bool { share() < probability }
}
