/// Names of StyleGAN2 weights in files of other programs, as the names of this package, which are those of NVlabs' PyTorch code.
enum StyleGAN2Names {
    /// A candidate with the names and shapes of this package; unchanged if it is not a StyleGAN2.
    ///
    /// Resampling filters are left out. In files of rosinality's program, the mean of w is beside the network.
    static func canonical(_ candidate: StateCandidate, in file: StateFile) -> StateCandidate {
        let keys = Set(candidate.entries.map(\.key))
        func entries(_ name: (String) -> String?, squeezed: Bool = false) -> [StateCandidate.Entry] {
            candidate.entries.compactMap { entry in
                name(entry.key).map {
                    StateCandidate.Entry(
                        key: $0, name: entry.name, shape: squeezed ? shape(of: $0, entry.shape) : entry.shape)
                }
            }
        }
        func changed(_ entries: [StateCandidate.Entry]) -> StateCandidate {
            StateCandidate(path: candidate.path, entries: entries)
        }
        if keys.contains("synthesis.b4.const") || keys.isSuperset(of: ["b4.conv.weight", "b4.out.weight"]) {
            var found = changed(entries { $0.hasSuffix("resample_filter") ? nil : $0 })
            // The arguments of NVlabs' classes. Networks that were trained in float16 have a limit, also in float32.
            let prefix = (candidate.path.isEmpty ? "" : candidate.path + ".") + "_init_kwargs."
            found.clamp =
                file.number(prefix + "synthesis_kwargs.conv_clamp") ?? file.number(prefix + "conv_clamp")
            return found
        }
        if keys.isSuperset(of: ["input.input", "style.1.weight", "conv1.conv.weight"]) {
            var found = entries(generatorName, squeezed: true)
            if let average = file.entries.first(where: { $0.name == "latent_avg" }) {
                found.append(
                    .init(key: "mapping.w_avg", name: average.name, shape: [average.shape.reduce(1, &*)]))
            }
            return changed(found)
        }
        if keys.isSuperset(of: ["final_conv.0.weight", "final_linear.0.weight", "convs.0.0.weight"]) {
            let count = Set(keys.compactMap { number($0, after: "convs.") }).count
            return changed(entries { discriminatorName($0, blocks: count - 1) })
        }
        return candidate
    }

    /// Shape without the leading dimensions of rosinality's program.
    private static func shape(of key: String, _ shape: [Int]) -> [Int] {
        let rank =
            key.hasSuffix("noise_strength")
            ? 0
            : key.hasSuffix("noise_const")
                ? 2
                : key.hasSuffix("const")
                    ? 3
                    : key.hasSuffix("affine.weight") || key.hasPrefix("mapping.fc") && key.hasSuffix("weight")
                        ? 2 : key.hasSuffix("weight") ? 4 : 1
        // A bias of colors is [1, 3, 1, 1].
        if rank == 1, shape.count == 4, shape[0] == 1, shape[2...].allSatisfy({ $0 == 1 }) {
            return [shape[1]]
        }
        let extra = shape.count - rank
        return extra > 0 && shape.prefix(extra).allSatisfy({ $0 == 1 })
            ? Array(shape.dropFirst(extra)) : shape
    }

    private static func number(_ key: String, after prefix: String) -> Int? {
        guard key.hasPrefix(prefix) else { return nil }
        let digits = key.dropFirst(prefix.count).prefix { $0.isNumber }
        // A network has at most 18 layers of a kind.
        return digits.count <= 2 ? Int(digits) : nil
    }

    private static func generatorName(_ key: String) -> String? {
        if let index = number(key, after: "style."), index > 0 {
            return "mapping.fc\(index - 1)." + leaf(key)
        }
        if key == "input.input" { return "synthesis.b4.const" }
        if let index = number(key, after: "noises.noise_") {
            return index == 0
                ? "synthesis.b4.conv1.noise_const"
                : "synthesis.b\(8 << ((index - 1) / 2)).conv\((index - 1) % 2).noise_const"
        }
        if key.hasPrefix("conv1.") { return layerName(key.dropFirst(6), "synthesis.b4.conv1") }
        if let index = number(key, after: "convs."), let dot = rest(of: key, after: "convs.") {
            return layerName(dot, "synthesis.b\(8 << (index / 2)).conv\(index % 2)")
        }
        if key.hasPrefix("to_rgb1.") { return layerName(key.dropFirst(8), "synthesis.b4.torgb") }
        if let index = number(key, after: "to_rgbs."), let dot = rest(of: key, after: "to_rgbs.") {
            return layerName(dot, "synthesis.b\(8 << index).torgb")
        }
        return nil
    }

    /// Part of a key after a prefix, a number and a dot.
    private static func rest(of key: String, after prefix: String) -> Substring? {
        let tail = key.dropFirst(prefix.count)
        return tail.firstIndex(of: ".").map { tail[tail.index(after: $0)...] }
    }

    private static func layerName(_ part: Substring, _ layer: String) -> String? {
        switch part {
        case "conv.weight": layer + ".weight"
        case "conv.modulation.weight": layer + ".affine.weight"
        case "conv.modulation.bias": layer + ".affine.bias"
        case "noise.weight": layer + ".noise_strength"
        case "activate.bias", "bias": layer + ".bias"
        default: nil
        }
    }

    private static func discriminatorName(_ key: String, blocks: Int) -> String? {
        guard blocks > 0, blocks <= 8 else { return nil }
        if let index = number(key, after: "convs."), let part = rest(of: key, after: "convs.") {
            let side = 4 << blocks
            if index == 0 {
                return part == "0.weight"
                    ? "b\(side).fromrgb.weight" : part == "1.bias" ? "b\(side).fromrgb.bias" : nil
            }
            let block = "b\(side >> (index - 1))."
            let names = [
                "conv1.0.weight": "conv0.weight", "conv1.1.bias": "conv0.bias",
                "conv2.1.weight": "conv1.weight",
                "conv2.2.bias": "conv1.bias", "skip.1.weight": "skip.weight",
            ]
            return names[String(part)].map { block + $0 }
        }
        return [
            "final_conv.0.weight": "b4.conv.weight", "final_conv.1.bias": "b4.conv.bias",
            "final_linear.0.weight": "b4.fc.weight", "final_linear.0.bias": "b4.fc.bias",
            "final_linear.1.weight": "b4.out.weight", "final_linear.1.bias": "b4.out.bias",
        ][key]
    }

    private static func leaf(_ key: String) -> Substring {
        key.lastIndex(of: ".").map { key[key.index(after: $0)...] } ?? key[...]
    }
}
