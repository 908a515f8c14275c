import Models

extension Model {
    /// Names of the attributes that can be requested; empty for an unconditional model.
    public var attributes: [String] { sampler.labels?.names ?? [] }

    /// Attributes that are requested for all faces, such as `Smiling=1,Eyeglasses=0`; nil for none.
    public var requestedText: String? {
        guard !sampler.requested.isEmpty else { return nil }
        return sampler.requested.sorted { $0.key < $1.key }
            .map { "\(attributes[$0.key])=\($0.value > 0 ? 1 : 0)" }.joined(separator: ",")
    }

    /// Requests attributes for all faces from now on. The others vary as they do in the training pictures.
    /// - Throws: `CheckpointError` for an attribute that the model does not have, with the nearest one.
    public mutating func request(_ wanted: [(name: String, isPresent: Bool)]) throws {
        for (name, isPresent) in wanted {
            guard let index = attributes.firstIndex(of: name) else {
                throw attributes.isEmpty
                    ? CheckpointError(
                        "\(path): this model has no attributes to request; train the recipe `conditional`")
                    : .noAttribute(name, among: attributes)
            }
            sampler.requested[index] = isPresent ? 1 : -1
        }
    }
}
