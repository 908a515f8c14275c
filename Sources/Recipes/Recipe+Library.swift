import Foundation
import Settings

extension Recipe {
    /// The recipes that come with the program: name and text.
    public static let library: [(name: String, text: String)] = [
        ("dcgan", PackageResources.dcgan_yaml), ("dcgan-dense", PackageResources.dcgan_dense_yaml),
        ("lsgan", PackageResources.lsgan_yaml), ("wgan", PackageResources.wgan_yaml),
        ("wgan-gp", PackageResources.wgan_gp_yaml), ("sagan", PackageResources.sagan_yaml),
        ("progan", PackageResources.progan_yaml), ("detail", PackageResources.detail_yaml),
        ("conditional", PackageResources.conditional_yaml),
        ("dfl", PackageResources.dfl_yaml), ("superres", PackageResources.superres_yaml),
        ("convert", PackageResources.convert_yaml),
        ("attributes", PackageResources.attributes_yaml),
    ].map { ($0, String(decoding: $1, as: UTF8.self)) }

    /// A recipe by the name of one that comes with the program or by the path of a YAML file.
    /// - Parameters:
    ///   - preset: one of the file's presets, such as `small`.
    ///   - overrides: `generator.filters=32` and the like.
    /// - Throws: `SettingsError` with every problem, each with its line.
    public static func load(
        _ nameOrPath: String, preset: String? = nil, overrides: [String] = []
    ) throws -> Recipe {
        if let known = library.first(where: { $0.name == nameOrPath }) {
            return try SettingsDocument.decode(
                yaml: known.text, path: "Recipes/\(known.name).yaml", preset: preset, overrides: overrides)
        }
        if nameOrPath.contains("/") || nameOrPath.hasSuffix(".yaml") || nameOrPath.hasSuffix(".yml") {
            return try SettingsDocument.decode(file: nameOrPath, preset: preset, overrides: overrides)
        }
        let names = library.map(\.name)
        let hint = Suggestion.closest(to: nameOrPath, in: names).map { " Did you mean `\($0)`?" } ?? ""
        throw RecipeError(
            "\(nameOrPath): no such recipe.\(hint) There are \(names.joined(separator: ", ")); a file's name ends in .yaml."
        )
    }

    /// The recipe as YAML with every value.
    public var yaml: String { SettingsDocument.encode(self) }
}
