import Imaging

extension FaceStore {
    /// The samples of a part, ascending.
    ///
    /// Where the makers of the pictures divided them, that is their part. Elsewhere one person in eight, or one picture in
    /// eight where no persons are known, is for validation, and the rest for training.
    public func part(_ split: Labels.Split) -> [Int] {
        guard labels.splits.isEmpty else { return indices(of: split) }
        guard split == .train || split == .validation else { return [] }
        return (0..<count).filter { index in
            let person = labels.identities.isEmpty ? -1 : Int(labels.identities[index])
            var stream = RandomStream(
                seed: 0, stream: Self.partStream, index: UInt64(person >= 0 ? person : count + index))
            return (stream.next() % 8 == 0) == (split == .validation)
        }
    }

    private static let partStream: UInt64 = 0x5A3B_1E0A
}
