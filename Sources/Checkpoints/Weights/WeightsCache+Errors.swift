import Settings

extension WeightsCache {
    /// Everything that must be brought before something can begin, in one message.
    static func missing(_ weights: [KnownWeights]) -> CheckpointError {
        let lines = weights.map { known in
            let size = known.megabytes.map { $0 >= 1 ? ", \(Int($0.rounded())) MB" : "" } ?? ""
            return "  \(known.key): \(known.about) (\(known.publisher); \(known.licence)\(size))\n"
                + "    \(known.command)"
                + (known.addresses.isEmpty
                    ? "" : "\n    facegan weights add \(known.fileName)   (a copy of yours)")
        }
        return CheckpointError(
            "these weights are not here, and this program does not come with them:\n"
                + lines.joined(separator: "\n"))
    }

    static func unknown(_ key: String) -> CheckpointError {
        let keys = WeightsCatalog.all.map(\.key)
        let guess = Suggestion.closest(to: key, in: keys).map { " Did you mean `\($0)`?" } ?? ""
        return CheckpointError(
            "\(key): no such weights.\(guess) There are: \(keys.joined(separator: ", ")).")
    }
}
