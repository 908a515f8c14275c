import Torch

/// Random choices of pictures.
enum Draws {
    /// `count` indices in 0..<count, with replacement (Int64).
    static func again(_ count: Int, _ random: RandomSource) -> Tensor {
        // Uniform numbers have 24 bits; two of them reach every index of any set.
        let coarse = Tensor.uniform([count], random: random).to(.float64)
        let fine = Tensor.uniform([count], random: random).to(.float64)
        let places = (coarse + fine / 16_777_216) * Double(count)
        return places.clamped(0...Double(count - 1)).to(.int64)
    }

    /// `size` different indices in 0..<count.
    static func some(_ size: Int, of count: Int, _ random: RandomSource) -> Tensor {
        Tensor.permutation(count, random: random)[0..<size]
    }
}
