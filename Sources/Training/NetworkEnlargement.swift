import Checkpoints
import Console
import Models
import Recipes
import Torch
import TorchNN

/// Enlargement of a generator and a discriminator that start from the weights of networks for smaller pictures.
struct NetworkEnlargement {
    /// Side of the pictures of the smaller networks.
    let fromSide: Int

    /// Whether networks of a recipe can be enlarged.
    private static func canEnlarge(_ settings: AdversarialSettings) -> Bool {
        type(of: settings.generator.network).fadesIn && type(of: settings.discriminator.network).fadesIn
    }

    /// Side of the smaller pictures if networks of `other` can be enlarged to those of `recipe`; 0 for the same resolution and
    /// for other networks.
    static func side(from other: Recipe, to recipe: Recipe) -> Int {
        guard other.resolution < recipe.resolution, case .adversarial(let old) = other.system,
            case .adversarial(let new) = recipe.system, canEnlarge(old), canEnlarge(new)
        else { return 0 }
        return other.resolution
    }

    /// Enlargement from one recipe to another; nil for the same resolution and for systems without a generator from latents.
    /// - Throws: `CheckpointError` for smaller pictures and for networks that cannot be enlarged.
    init?(from other: Recipe, to recipe: Recipe) throws {
        guard case .adversarial(let old) = other.system, case .adversarial(let new) = recipe.system,
            other.resolution != recipe.resolution
        else { return nil }
        let sides = (
            from: "\(other.resolution) x \(other.resolution)",
            to: "\(recipe.resolution) x \(recipe.resolution)"
        )
        guard other.resolution < recipe.resolution else {
            throw CheckpointError(
                "its pictures have \(sides.from) pixels, those of this run \(sides.to), and networks cannot be reduced:"
                    + " --set resolution=\(other.resolution)")
        }
        guard Self.canEnlarge(old), Self.canEnlarge(new) else {
            let kind = type(of: (Self.canEnlarge(old) ? new : old).generator.network).name
            let kinds = NetworkFamilies.all.filter { $0.fadesIn }.map { $0.name }.joined(separator: ", ")
            throw CheckpointError(
                "its pictures have \(sides.from) pixels, those of this run \(sides.to), and networks of kind \(kind) cannot be"
                    + " enlarged (\(kinds) can): --set resolution=\(other.resolution)")
        }
        fromSide = other.resolution
    }

    /// Whether the differences from a state are the larger blocks only.
    func explains(_ mismatch: StateMismatch) -> Bool {
        mismatch.misshaped.isEmpty && mismatch.unexpected.isEmpty
            && mismatch.missing.allSatisfy(isInLargerBlock)
    }

    /// Whether a key such as `synthesis.b128.conv0.weight` belongs to a block that the smaller network lacks.
    private func isInLargerBlock(_ key: String) -> Bool {
        key.split(separator: ".").contains { part in
            part.first == "b" && Int(part.dropFirst()).map { $0 > fromSide } ?? false
        }
    }

    /// Tensors without the layers that an earlier fade-in of the file used only, unless the network has them.
    static func withoutFadingLayers(
        _ given: [(key: String, tensor: Tensor)], of recipe: Recipe, in section: String,
        keeping own: [(key: String, tensor: Tensor)]
    ) -> [(key: String, tensor: Tensor)] {
        guard case .adversarial(let settings) = recipe.system, settings.enlargement.fromSide > 0 else {
            return given
        }
        let known = Set(own.map(\.key))
        let fading = settings.fadingKeys(isGenerator: section != "discriminator")
        return given.filter { tensor in
            known.contains(tensor.key) || !fading.contains { tensor.key.hasPrefix($0) }
        }
    }

    // MARK: Report

    /// Numbers of parameters.
    struct Count: Equatable {
        /// Copied from the file.
        var kept = 0
        /// With initial values.
        var added = 0
        /// In the file only.
        var leftOut = 0

        /// Text of a note.
        var text: String {
            "\(Readable.count(kept)) parameters kept, \(Readable.count(added)) added, \(Readable.count(leftOut)) left out"
        }
    }

    /// Counts the parameters of a network.
    /// - Parameters:
    ///   - network: network of the run.
    ///   - given: tensors of the file.
    ///   - used: tensors that are copied.
    static func count(
        _ network: Module, given: [(key: String, tensor: Tensor)], used: [(key: String, tensor: Tensor)]
    ) -> Count {
        var count = Count()
        let copied = Set(used.map(\.key))
        for (key, parameter) in network.parameters {
            if copied.contains(key) {
                count.kept += parameter.value.count
            } else {
                count.added += parameter.value.count
            }
        }
        count.leftOut = given.filter { !copied.contains($0.key) }.reduce(0) { $0 + $1.tensor.count }
        return count
    }

    /// Notes about the fade-in of a run, and about an incomplete one in the file.
    static func notes(from other: Checkpoint, _ enlargement: NetworkEnlargement?, _ recipe: Recipe)
        -> [String]
    {
        var notes: [String] = []
        if case .adversarial(let settings) = other.recipe.system,
            let weight = settings.enlargement.weight(images: other.clock.images), weight < 1
        {
            notes.append(
                "the larger blocks of the file have faded in to \(Readable.fixed(weight, 2)) only; they have their full weight"
                    + " from now on")
        }
        if let enlargement, case .adversarial(let settings) = recipe.system {
            let (from, to) = (enlargement.fromSide, recipe.resolution)
            notes.append(
                "enlarging the networks from \(from) x \(from) to \(to) x \(to) pixels; the larger blocks fade in over"
                    + " \(Readable.fixed(settings.enlargement.fadeKimg, 1)) kimg (enlargement.fadeKimg)")
        }
        return notes
    }
}
