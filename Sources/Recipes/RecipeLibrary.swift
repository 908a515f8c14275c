import Foundation
import Settings

extension Recipe {
    /// Bundled recipes: name and YAML text.
    public static let library: [(name: String, text: String)] = [
        ("dcgan", PackageResources.dcgan_yaml), ("dcgan-dense", PackageResources.dcgan_dense_yaml),
        ("lsgan", PackageResources.lsgan_yaml), ("wgan", PackageResources.wgan_yaml),
        ("wgan-gp", PackageResources.wgan_gp_yaml), ("sagan", PackageResources.sagan_yaml),
        ("progan", PackageResources.progan_yaml), ("stylegan2", PackageResources.stylegan2_yaml),
        ("r3gan", PackageResources.r3gan_yaml), ("detail", PackageResources.detail_yaml),
        ("conditional", PackageResources.conditional_yaml),
        ("dfl", PackageResources.dfl_yaml), ("superres", PackageResources.superres_yaml),
        ("convert", PackageResources.convert_yaml),
        ("attributes", PackageResources.attributes_yaml),
    ].map { ($0, String(decoding: $1, as: UTF8.self)) }

    /// Loads a bundled recipe by name, or a YAML file by path.
    /// - Parameters:
    ///   - nameOrPath: name such as `dcgan`, or a path that contains `/` or ends in `.yaml` or `.yml`.
    ///   - preset: name of a preset in the file, such as `small`; nil for none.
    ///   - overrides: assignments such as `generator.filters=32`, applied in order after the preset.
    /// - Throws: `RecipeError` for an unknown name; `SettingsError` with all problems and their lines.
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
            "\(nameOrPath): no such recipe.\(hint) Use \(names.joined(separator: ", ")), or the path of a .yaml file."
        )
    }

    /// Canonical YAML text with every setting.
    public var yaml: String { SettingsDocument.encode(self) }
}
