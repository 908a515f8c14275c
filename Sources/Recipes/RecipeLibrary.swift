import Foundation
import Settings

extension Recipe {
    /// The recipes of this package: name and YAML text.
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

    /// Loads a recipe of this package by name, or a YAML file by path.
    /// - Parameters:
    ///   - preset: a preset of the file, such as `small`.
    ///   - overrides: values such as `generator.filters=32`; later ones win.
    /// - Throws: `RecipeError` for an unknown name; `SettingsError` with every problem and its line.
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

    /// The recipe as YAML, with every value.
    public var yaml: String { SettingsDocument.encode(self) }
}
