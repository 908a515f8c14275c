import Models

extension YuNet {
    /// The key of its weights in the catalog.
    public static let weights = "yunet"

    /// The detector, ready for use, on the CPU.
    /// - Throws: `WeightsError` that says what is missing and the command that brings it, or all that does not fit.
    public static func load(cache: WeightsCache = .default) throws -> YuNet {
        let network = YuNet()
        try FeatureNetworks.fill(network, weights, from: try cache.verifiedPath(of: weights))
        return network
    }

    /// The detector with the weights of its publisher's file.
    public static func load(from path: String) throws -> YuNet {
        let network = YuNet()
        try FeatureNetworks.fill(network, weights, from: path)
        return network
    }
}
