import Datasets
import Recipes

/// Opens the pictures that a recipe trains on.
public enum TrainingData {
    /// The packed store of a source under the recipe's protocol; packs it first if that has not been done.
    /// - Parameter source: a path, or built-in faces such as `builtin:20000`.
    /// - Throws: `DataError`, `FileError`; `CancellationError` when cancelled.
    public static func open(
        _ source: String, for recipe: Recipe, progress: (_ done: Int, _ total: Int) -> Void = { _, _ in },
        cancelled: () -> Bool = { false }, packed: (StorePreparation.Report) -> Void = { _ in }
    ) throws -> FaceStore {
        let opened = try SourceOpener.open(source)
        let wanted: DataProtocol
        if recipe.data.dataProtocol != "auto" {
            wanted = try DataProtocol.parse(recipe.data.dataProtocol)
        } else if let store = opened as? StoreSource {
            wanted = store.store.data
        } else {
            wanted = try opened.kind.suggestedProtocol(size: recipe.resolution)
        }
        return try StoreCache().open(
            opened, named: source, protocol: wanted, progress: progress, cancelled: cancelled, packed: packed)
    }
}
