/// Persons from LFW's file names: one folder per person, `Aaron_Eckhart/Aaron_Eckhart_0001.jpg`.
enum LFWNames {
    /// The identities of the pictures; nil if fewer than 90 % of the names follow LFW's pattern.
    static func labels(for names: [String]) -> Labels? {
        let people = names.map { person($0) }
        let sorted = Set(people.compactMap { $0 }).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        let known = people.lazy.filter { $0 != nil }.count
        guard known > 0, known * 10 >= names.count * 9 else { return nil }
        var labels = Labels(count: names.count)
        let numbers = Dictionary(uniqueKeysWithValues: zip(sorted, Int32(0)...))
        labels.identityNames = sorted.map(String.init)
        labels.identities = people.map { $0.flatMap { numbers[$0] } ?? -1 }
        return labels
    }

    /// Returns `Name` for `…/Name/Name_0001.jpg`.
    private static func person(_ name: String) -> Substring? {
        let parts = name.split(separator: "/")
        guard parts.count >= 2 else { return nil }
        let folder = parts[parts.count - 2]
        let file = parts[parts.count - 1]
        guard file.hasPrefix(folder), let dot = file.lastIndex(of: ".") else { return nil }
        let number = file[..<dot].dropFirst(folder.count)
        guard number.first == "_", number.count == 5,
            number.dropFirst().allSatisfy({ ("0"..."9").contains($0) })
        else { return nil }
        return folder
    }
}
