import Foundation

/// Trained models that are included in the program. Every command accepts their names in place of a path.
public enum BundledModels {
    /// An included model.
    public struct Model: Sendable {
        /// Name on the command line, such as `celeba64`.
        public let name: String
        /// Short description.
        public let about: String
        /// Terms of use.
        public let terms: String
        /// Name of the file in `BundledWeights`.
        public var file: String { name + ".safetensors" }
    }

    /// All models.
    public static let all = [
        Model(
            name: "celeba64", about: "StyleGAN2, faces of 64 x 64 pixels",
            terms: "research, non-commercial (CelebA)")
    ]

    /// Whether a name is that of an included model and not of a file or folder.
    public static func isName(_ name: String) -> Bool {
        all.contains { $0.name == name } && !FileManager.default.fileExists(atPath: name)
    }

    /// File of a model; nil for a name that is not known, or that is a file or folder.
    /// - Throws: `WeightsError` if the file is missing.
    public static func path(of name: String) throws -> String? {
        guard isName(name) else { return nil }
        return try BundledWeights.path(of: name + ".safetensors")
    }
}
