import Checkpoints
import Imaging
import Provenance
import Recipes
import Torch

/// Grids of photographs and of what a network makes of them.
enum PhotoPreview {
    /// One row of cells for each picture.
    /// - Parameters:
    ///   - columns: as many pictures [N, 3, side, side] in each, in -1...1.
    ///   - repeats: rows of cells beside each other.
    static func grid(_ columns: [Tensor], of recipe: Recipe, repeats: Int = 1) -> SyntheticImage {
        let origin = Origin(
            software: Origin.program, model: recipe.name, fields: [("use", "preview")],
            source: .compositeWithTrainedAlgorithmicMedia)
        let (count, side) = (columns[0].shape[0], columns[0].shape[3])
        let size = side * side * 3
        let bytes = columns.map { $0.to(.float32).pixels().bytes() }
        let cells = (0..<count).flatMap { row in
            bytes.map { bytes in
                SyntheticImage(
                    picture: Picture(
                        width: side, height: side, channels: 3,
                        pixels: Array(bytes[(row * size)..<((row + 1) * size)])), origin: origin)
            }
        }
        return .grid(cells, columns: repeats * columns.count)
    }
}
