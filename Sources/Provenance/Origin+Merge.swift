extension Origin {
    /// The origin of a picture made of several: what they agree on, and lists of what they do not.
    ///
    /// Numbers that follow each other become ranges: seeds 0, 1, 2, 7 are "0-2, 7".
    static func merged(_ origins: [Origin]) -> Origin {
        precondition(!origins.isEmpty, "at least one origin")
        var names: [String] = []
        for origin in origins {
            for field in origin.fields where !names.contains(field.name) { names.append(field.name) }
        }
        let composite = origins.contains { $0.source == .compositeWithTrainedAlgorithmicMedia }
        return Origin(
            software: list(origins.map(\.software)), model: list(origins.map(\.model)),
            fields: names.map { name in (name, list(origins.compactMap { $0[name] })) },
            source: composite ? .compositeWithTrainedAlgorithmicMedia : .trainedAlgorithmicMedia)
    }

    /// More values than fit into this many characters are cut off.
    private static let longest = 2000

    private static func list(_ values: [String]) -> String {
        var parts: [(text: String, last: Int?)] = []
        var seen: Set<String> = []
        for value in values where seen.insert(value).inserted {
            let number = Int(value).flatMap { String($0) == value && $0 >= 0 ? $0 : nil }
            if let number, let last = parts.last?.last, number == last + 1 {
                let start = parts[parts.count - 1].text.prefix { $0 != "-" }
                parts[parts.count - 1] = ("\(start)-\(number)", number)
            } else {
                parts.append((value, number))
            }
        }
        let text = parts.map(\.text).joined(separator: ", ")
        return text.count <= longest ? text : text.prefix(longest) + " …"
    }
}
