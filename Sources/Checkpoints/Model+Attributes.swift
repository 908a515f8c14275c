import Models

extension Model {
    /// Names of the attributes that faces can be asked for; empty for an unconditional model.
    public var attributes: [String] { codes.labels?.names ?? [] }

    /// What all codes ask for, `Smiling=1,Eyeglasses=0`; nil for nothing.
    public var askedText: String? {
        guard !codes.asked.isEmpty else { return nil }
        return codes.asked.sorted { $0.key < $1.key }
            .map { "\(attributes[$0.key])=\($0.value > 0 ? 1 : 0)" }.joined(separator: ",")
    }

    /// Asks for attributes in all codes from now on; what is not asked for varies as it does in pictures.
    /// - Throws: `CheckpointError` for a name that the model does not know, with the nearest that it does.
    public mutating func ask(for wanted: [(name: String, isPresent: Bool)]) throws {
        for (name, isPresent) in wanted {
            guard let index = attributes.firstIndex(of: name) else {
                throw attributes.isEmpty
                    ? CheckpointError(
                        "\(path): this model cannot be asked for attributes; train the recipe conditional")
                    : .noAttribute(name, among: attributes)
            }
            codes.asked[index] = isPresent ? 1 : -1
        }
    }
}
