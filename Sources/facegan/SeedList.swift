import ArgumentParser

/// Seeds as they are written on the command line: `0-63,100`.
struct SeedList {
    let values: [UInt64]

    private static let mostSeeds = 1_000_000

    /// The seeds 0..<count.
    init(count: Int) { values = (0..<UInt64(count)).map { $0 } }

    /// Throws `ValidationError` for what is no list of seeds.
    init(_ text: String) throws {
        var values: [UInt64] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { UInt64($0) }
            switch (ends.count, ends.first ?? nil, ends.last ?? nil) {
            case (1, let seed?, _): values.append(seed)
            case (2, let first?, let last?) where first <= last:
                guard last - first < UInt64(Self.mostSeeds - values.count) else { throw Self.tooMany }
                values += Array(first...last)
            case (2, let first?, let last?):
                throw ValidationError("The range \(part) runs backwards: write \(last)-\(first).")
            default:
                throw ValidationError(
                    part.isEmpty
                        ? "There is nothing between two commas."
                        : "'\(part)' is no seed: expected whole numbers and ranges, such as 0-63,100.")
            }
            guard values.count <= Self.mostSeeds else { throw Self.tooMany }
        }
        self.values = values
    }

    private static let tooMany = ValidationError("At most 1,000,000 seeds at once.")
}
