import Provenance

/// Marks of the generated pictures of a store.
struct StoreMarks {
    /// One per sample: 0 none, 1 generated, 2 composite; empty if no picture has a mark.
    private(set) var codes: [UInt8] = []
    /// The merged origin of all marked pictures.
    private(set) var merged: Origin?

    init() {}

    init(codes: [UInt8], merged: Origin) { (self.codes, self.merged) = (codes, merged) }

    /// - Parameter origins: the marks of all samples; nil for a picture without a mark.
    init(_ origins: [Origin?]) {
        guard let merged = Origin.derived(from: origins.compactMap { $0 }) else { return }
        self.merged = merged
        codes = origins.map { origin in
            switch origin?.source {
            case nil: 0
            case .trainedAlgorithmicMedia: 1
            case .compositeWithTrainedAlgorithmicMedia: 2
            }
        }
    }

    /// The mark of a picture made of the given samples; nil if none of them has one.
    func origin(of indices: some Sequence<Int>) -> Origin? {
        guard let merged else { return nil }
        let found = Set(indices.map { codes[$0] })
        guard found.contains(where: { $0 > 0 }) else { return nil }
        return merged.with(
            source: found == [1] ? .trainedAlgorithmicMedia : .compositeWithTrainedAlgorithmicMedia)
    }
}
