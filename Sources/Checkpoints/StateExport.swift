import Files
import Models
import Recipes
import Torch

/// Export of one network for PyTorch: a dictionary of tensors under its keys, without a recipe.
///
/// A StyleGAN2 has the keys of NVlabs' code, with the filters that are buffers there.
public enum StateExport {
    /// State of a network.
    /// - Parameters:
    ///   - source: a run directory, a model file, or the name of an included model.
    ///   - state: state of a run directory.
    ///   - weights: `.raw` is used if the file has no average.
    ///   - network: network of the file.
    ///   - half: converts weights to float16.
    /// - Throws: `CheckpointError` if the file does not have the network; `FileError`.
    public static func tensors(
        of source: String, state: ModelState = .last, weights: ModelWeights = .average,
        network: PyTorchImport.Network = .generator, half: Bool = false
    ) throws -> [(key: String, tensor: Tensor)] {
        let path = try ModelFile(source, state: state).path
        var checkpoint = try Checkpoint(path: path)
        if network == .discriminator { try checkpoint.addDiscriminator(ofModel: path) }
        let section =
            network == .generator ? checkpoint.weights(weights).state : checkpoint.section("discriminator")
        guard !section.isEmpty else { throw CheckpointError("\(path): the file has no \(network.rawValue)") }
        let found = try withoutFadingLayers(section, network, checkpoint, path: path)
        let all = found + filters(for: found.map(\.key), checkpoint.recipe)
        return all.map { ($0.key, $0.tensor.to(half ? .float16 : .float32)) }
    }

    /// Tensors of an ordinary StyleGAN2, without the layers that a fade-in used only.
    /// - Throws: `CheckpointError` during a fade-in.
    private static func withoutFadingLayers(
        _ state: [(key: String, tensor: Tensor)], _ network: PyTorchImport.Network, _ checkpoint: Checkpoint,
        path: String
    ) throws -> [(key: String, tensor: Tensor)] {
        guard case .adversarial(let settings) = checkpoint.recipe.system,
            let weight = settings.enlargement.weight(images: checkpoint.clock.images)
        else { return state }
        guard weight == 1 else {
            throw CheckpointError(
                "\(path): the larger blocks are still fading in, which other programs cannot represent; train to"
                    + " \(settings.enlargement.fadeKimg) kimg first (enlargement.fadeKimg)")
        }
        let fading = settings.fadingKeys(isGenerator: network == .generator)
        return state.filter { tensor in !fading.contains { tensor.key.hasPrefix($0) } }
    }

    /// Filters of NVlabs' StyleGAN2, one for each block and each convolution of 3 x 3 or of a shortcut.
    private static func filters(for keys: [String], _ recipe: Recipe) -> [(key: String, tensor: Tensor)] {
        guard case .adversarial(let settings) = recipe.system,
            settings.generator.network is StyleGAN2Settings
        else { return [] }
        let filter = Tensor(ResamplingFilter.taps, shape: [4, 4])
        var owners: [String] = []
        for key in keys {
            let parts = key.split(separator: ".").map(String.init)
            guard let index = parts.firstIndex(where: { $0.hasPrefix("b") && Int($0.dropFirst()) != nil })
            else { continue }
            let block = parts[...index].joined(separator: ".")
            let layer = parts.count > index + 2 ? parts[index + 1] : ""
            // The last block of a discriminator has no filter.
            let isHead = !keys.contains("synthesis.b4.const") && parts[index] == "b4"
            let candidates =
                isHead
                ? (layer == "fromrgb" ? [block + "." + layer] : [])
                : [block]
                    + (["conv0", "conv1", "skip", "fromrgb"].contains(layer) ? [block + "." + layer] : [])
            for owner in candidates where !owners.contains(owner) { owners.append(owner) }
        }
        return owners.map { ($0 + ".resample_filter", filter) }
    }

    /// Writes a state: a file of `torch.save` for a path that ends in `.pt` or `.pth`, otherwise a safetensors file.
    /// - Throws: `FileError`; `TorchError.outOfMemory`.
    public static func write(_ tensors: [(key: String, tensor: Tensor)], to path: String) throws {
        guard isPyTorch(path) else {
            try TensorFile.write(path, tensors: tensors.map { ($0.key, $0.tensor) })
            return
        }
        try PyTorchStateDictionary.write(path, tensors: tensors.map { ($0.key, $0.tensor) })
    }

    /// Whether a path names a file of `torch.save`.
    public static func isPyTorch(_ path: String) -> Bool {
        [".pt", ".pth"].contains { path.lowercased().hasSuffix($0) }
    }
}
