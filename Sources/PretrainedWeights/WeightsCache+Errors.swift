import Settings

extension WeightsCache {
    /// Everything that must be brought before something can begin, in one message.
    static func missing(_ weights: [KnownWeights]) -> WeightsError {
        let lines = weights.map { known in
            let size = known.megabytes.map { $0 >= 1 ? ", \(Int($0.rounded())) MB" : "" } ?? ""
            return "  \(known.key): \(known.about) (\(known.publisher); \(known.license)\(size))\n"
                + "    \(known.command)"
                + (known.addresses.isEmpty
                    ? "" : "\n    facegan weights add \(known.fileName)   (a copy of yours)")
        }
        return WeightsError(
            "these weights are not here, and this program does not come with them:\n"
                + lines.joined(separator: "\n"))
    }

    static func unknown(_ key: String) -> WeightsError {
        let keys = WeightsCatalog.all.map(\.key)
        let guess = Suggestion.closest(to: key, in: keys).map { " Did you mean `\($0)`?" } ?? ""
        return WeightsError(
            "\(key): no such weights.\(guess) There are: \(keys.joined(separator: ", ")).")
    }
}
