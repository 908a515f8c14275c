/// Finds the word that somebody probably meant.
public enum Suggestion {
    /// The candidate closest to `word`, or nil when none is close.
    ///
    /// Case, `-` and `_` do not count; apart from them about one letter in three may be wrong, missing, too much
    /// or swapped with its neighbor. Of equally close candidates the first wins.
    public static func closest(to word: String, in candidates: [String]) -> String? {
        guard word.utf8.count <= 64 else { return nil }
        let wanted = folded(word)
        guard !wanted.isEmpty else { return nil }
        var best: (candidate: String, distance: Int)?
        for candidate in candidates where candidate != word {
            let other = folded(candidate)
            let allowed = max(wanted.count, other.count) / 3
            guard abs(wanted.count - other.count) <= allowed else { continue }
            let d = distance(wanted, other)
            if d <= allowed, d < best?.distance ?? .max { best = (candidate, d) }
        }
        return best?.candidate
    }

    private static func folded(_ word: String) -> [Character] {
        word.lowercased().filter { $0 != "_" && $0 != "-" }.map { $0 }
    }

    /// Edits between two words, where swapping two neighbors is one edit (optimal string alignment).
    private static func distance(_ a: [Character], _ b: [Character]) -> Int {
        guard !a.isEmpty, !b.isEmpty else { return max(a.count, b.count) }
        var before = [Int](repeating: 0, count: b.count + 1)
        var last = Array(0...b.count)
        for i in 1...a.count {
            var row = [i] + [Int](repeating: 0, count: b.count)
            for j in 1...b.count {
                let change = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)
                row[j] = min(change, last[j] + 1, row[j - 1] + 1)
                if i > 1, j > 1, a[i - 1] == b[j - 2], a[i - 2] == b[j - 1] {
                    row[j] = min(row[j], before[j - 2] + 1)
                }
            }
            (before, last) = (last, row)
        }
        return last[b.count]
    }
}
