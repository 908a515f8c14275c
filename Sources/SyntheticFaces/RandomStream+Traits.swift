import Imaging

extension RandomStream {
    /// The stream of one face, or of something in it.
    init(face index: Int, seed: UInt64) {
        self.init(seed: seed, stream: 0xFACE, index: UInt64(bitPattern: Int64(index)))
    }

    /// Nearly normal with standard deviation 1, never beyond ±3.5: the scaled sum of four uniform numbers.
    mutating func bell() -> Float {
        (uniform() + uniform() + uniform() + uniform() - 2) * 1.732_050_8
    }

    /// One of the choices, in proportion to its weight.
    mutating func pick<Choice>(_ choices: [(Choice, Float)]) -> Choice {
        var left = uniform() * choices.reduce(0) { $0 + $1.1 }
        for (choice, weight) in choices {
            left -= weight
            if left < 0 { return choice }
        }
        return choices[choices.count - 1].0
    }
}
