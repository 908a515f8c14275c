/// Options of pictures of a style generator. Other generators have the default options only.
public struct SynthesisOptions: Sendable, Equatable {
    /// Noise inputs.
    public enum Noise: String, Sendable, CaseIterable {
        /// The noise images of the network: equal for all pictures.
        case const
        /// Noise that depends on the latents of a picture.
        case random
        /// No noise.
        case none
    }

    /// Truncation: weight of w against its mean; 1 for none. Values below 1 give more typical pictures with less variety.
    public var psi: Double
    /// Number of rows of w+ that are truncated, from the first one; nil for all.
    public var cutoff: Int?
    /// Noise inputs.
    public var noise: Noise

    /// Creates options; the default is no truncation and constant noise.
    public init(psi: Double = 1, cutoff: Int? = nil, noise: Noise = .const) {
        (self.psi, self.cutoff, self.noise) = (psi, cutoff, noise)
    }
}
