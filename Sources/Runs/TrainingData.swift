import Datasets
import Imaging
import Recipes

/// Opening of training pictures.
public enum TrainingData {
    /// Packed store of a source under the data protocol of a recipe. Packs the source if there is no store yet.
    /// - Parameters:
    ///   - source: a path, or rendered faces such as `builtin:20000`.
    ///   - recipe: recipe with the data protocol.
    ///   - progress: called with packed and total pictures.
    ///   - cancelled: called while pictures are packed.
    ///   - packed: called after packing, with its report.
    /// - Throws: `DataError` for pictures that cannot be read; `FileError`; `CancellationError`.
    public static func open(
        _ source: String, for recipe: Recipe, progress: (_ done: Int, _ total: Int) -> Void = { _, _ in },
        cancelled: () -> Bool = { false }, packed: (StorePreparation.Report) -> Void = { _ in }
    ) throws -> FaceStore {
        let opened = try SourceOpener.open(source)
        var wanted: DataProtocol
        if recipe.data.dataProtocol != "auto" {
            wanted = try DataProtocol.parse(recipe.data.dataProtocol)
        } else if let store = opened as? StoreSource {
            wanted = store.store.data
        } else {
            wanted = try opened.kind.suggestedProtocol(size: recipe.resolution)
        }
        if let background = Background(recipe.data.background), background != .white {
            wanted = wanted.over(background)
        }
        return try StoreCache().open(
            opened, named: source, protocol: wanted, progress: progress, cancelled: cancelled, packed: packed)
    }
}
