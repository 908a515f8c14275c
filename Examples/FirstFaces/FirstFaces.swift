import FaceGAN
import Foundation

/// Trains a small DCGAN on built-in faces and generates new ones: `FirstFaces [MINUTES] [FOLDER]`.
@main
struct FirstFaces {
    static func main() throws {
        let arguments = CommandLine.arguments.dropFirst()
        let minutes = arguments.first.flatMap(Double.init) ?? 3
        let folder = arguments.dropFirst().first ?? "runs/first-faces"

        // A recipe is a value. Load one and change its settings.
        var recipe = try Recipe.load("dcgan")
        recipe.resolution = 32
        recipe.batchSize = 64
        recipe.adversarial.generator[DCGANSettings.self].filters = 32
        recipe.adversarial.discriminator[DCGANSettings.self].filters = 32

        // Pictures are packed once. `data` can also be the path of a folder of photographs or of an archive.
        let data = "builtin:5000"
        let store = try TrainingData.open(data, for: recipe)

        // The run directory contains logs, previews and states. If it exists, the run is resumed exactly.
        let run = try TrainingRun(recipe: recipe, store: store, data: data, folder: folder)
        try run.run(until: TrainingLimit(minutes: minutes))

        // A seed gives the same face on every machine.
        let faces = try FaceSampler(folder).faces(seeds: Array(0..<64))
        let picture = URL(fileURLWithPath: folder + "/faces.png")
        try Data(SyntheticImage.grid(faces).png()).write(to: picture)
        print("64 faces after \(run.trainer.clock.images) images: \(picture.path)")
    }
}
