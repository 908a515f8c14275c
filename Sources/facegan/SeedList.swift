import ArgumentParser

/// Seeds as they are written on the command line: `0-63,100`.
struct SeedList: ExpressibleByArgument {
    let values: [UInt64]

    init?(argument: String) {
        var values: [UInt64] = []
        for part in argument.split(separator: ",", omittingEmptySubsequences: false) {
            let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { UInt64($0) }
            switch (ends.count, ends.first ?? nil, ends.last ?? nil) {
            case (1, let seed?, _): values.append(seed)
            case (2, let first?, let last?) where first <= last && last - first < 1_000_000:
                values += Array(first...last)
            default: return nil
            }
        }
        guard !values.isEmpty, values.count <= 1_000_000 else { return nil }
        self.values = values
    }
}
