import Models
import Recipes
import Torch

extension Checkpoint {
    /// The attributes that a conditional generator takes; nil for an unconditional one.
    /// - Parameter path: the file, for errors.
    /// - Throws: `CheckpointError` when the rows are damaged.
    func labelRows(path: String) throws -> LabelRows? {
        guard case .adversarial(let settings) = recipe.system, !settings.conditions.attributes.isEmpty else {
            return nil
        }
        let names = settings.conditions.attributes
        guard let rows = section("labels").first(where: { $0.key == "rows" })?.tensor else {
            // Weights of others know no pictures: what is not asked for is left open.
            return LabelRows(names: names, values: [])
        }
        guard rows.dtype == .int8, rows.rank == 2, rows.shape[1] == names.count
        else {
            throw CheckpointError(
                "\(path): the rows of labels do not fit the attributes of its recipe")
        }
        return LabelRows(names: names, values: rows.bytes().map { Int8(bitPattern: $0) })
    }

    /// What a saved state keeps of the labels.
    public static func section(of rows: LabelRows) -> [(key: String, tensor: Tensor)] {
        let bytes = rows.values.map { UInt8(bitPattern: $0) }
        return [("rows", Tensor(bytes: bytes, shape: [rows.count, rows.names.count], dtype: .int8))]
    }
}
