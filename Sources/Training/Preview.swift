import Checkpoints
import Files
import Imaging
import Models
import Provenance
import Recipes
import Torch

/// Grids of the same latents over the run, and a film of them.
struct Preview {
    private let latents: Latents
    private let origin: Origin

    init(recipe: Recipe, sampler: LatentSampler) {
        latents = sampler.sample(seeds: (0..<UInt64(recipe.training.previewCount)).map { $0 })
        origin = Origin(software: Origin.program, model: recipe.name, fields: [("use", "preview")])
    }

    /// A grid of the generator's faces.
    func grid(_ generator: any Generator) -> SyntheticImage {
        let side = generator.resolution
        let faces = GeneratorRunner(generator).pixels(latents).map {
            SyntheticImage(
                picture: Picture(width: side, height: side, channels: 3, pixels: $0), origin: origin)
        }
        return .grid(faces)
    }

    /// Whether a grid is due between two numbers of images: at 250, 500, 1,000, ... until `every`, then each `every`.
    static func isDue(from before: Int, to now: Int, every: Double) -> Bool {
        var mark = 250.0
        while mark < every {
            if Double(before) < mark && mark <= Double(now) { return true }
            mark *= 2
        }
        return (Double(before) / every).rounded(.down) < (Double(now) / every).rounded(.down)
    }

    /// Writes an animated PNG of at most 48 of the grids, at half size.
    static func writeFilm(of grids: [String], to path: String, origin software: String) throws {
        let count = min(48, grids.count)
        guard count > 1 else { return }
        let chosen = (0..<count).map { grids[$0 * (grids.count - 1) / (count - 1)] }
        var frames: [SyntheticImage] = []
        for grid in chosen {
            let file = try MappedFile(path: grid)
            // A grid that was torn by a kill is left out.
            guard let decoded = try? PictureDecoder.decode(try file.bytes(0..<file.count)).picture.rgb()
            else { continue }
            let half = decoded.resized(
                width: max(1, decoded.width / 2), height: max(1, decoded.height / 2), filter: .box)
            if let first = frames.first, first.width != half.width || first.height != half.height { continue }
            frames.append(
                SyntheticImage(picture: half, origin: Origin(software: software, model: "previews")))
        }
        guard frames.count > 1 else { return }
        try AtomicFile.write(try SyntheticImage.film(frames, millisecondsPerFrame: 250), to: path)
    }
}
