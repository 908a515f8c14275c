import Datasets
import Recipes

extension Recipe {
    /// Pictures that the run does not learn from, whose people it does not either.
    /// - Throws: `TrainingError.refused` when there are none.
    func heldOut(of store: FaceStore, _ subset: [Int]?) throws -> [Int] {
        let indices = store.part(.validation)
        guard !indices.isEmpty, let subset, Set(subset).isDisjoint(with: indices) else {
            throw TrainingError.refused(
                "no pictures are held out to judge the network by; the recipe needs data.split=train, and"
                    + " \(store.path) a validation part")
        }
        return indices
    }
}
