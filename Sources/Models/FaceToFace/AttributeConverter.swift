import Torch
import TorchNN

/// Photographs with some attributes changed, as AttGAN does it (He et al. 2019), with selective skips (STGAN, Liu et al. 2019).
///
/// Told are changes, not targets: 1 for an attribute to come, -1 for one to go, 0 for one to stay; larger numbers for more of it.
public final class AttributeConverter: Module {
    let encoder: [Halving]
    let units: [SelectiveUnit]
    let decoder: [ConvTranspose2d]
    let norms: [BatchNorm2d]
    private let settings: ConverterSettings
    /// How many attributes it can change.
    public let attributes: Int

    public init(_ settings: ConverterSettings = .init(), attributes: Int) {
        (self.settings, self.attributes) = (settings, attributes)
        let widths = (0..<settings.levels).map { min(settings.filters << $0, settings.maxFilters) }
        encoder = zip([3] + widths, widths).map { Halving($0, $1) }
        let inner = settings.levels - 1
        // Of the levels inner - 1, inner - 2, ...: each selects from its own map by the state of the level inside it.
        units =
            settings.selective
            ? (0..<settings.skips).map { index in
                let level = inner - 1 - index
                return SelectiveUnit(widths[level], inside: widths[level + 1], attributes: attributes)
            } : []
        decoder = (0..<settings.levels).map { index in
            let level = inner - index
            // The map from inside, the changes where they are told, and the level's own map.
            var inputs = widths[level]
            if index <= settings.injections { inputs += attributes }
            if index > 0, index <= settings.skips { inputs += widths[level] }
            let outputs = level == 0 ? 3 : widths[level - 1]
            return ConvTranspose2d(inputs, outputs, kernel: 4, stride: 2, padding: 1, bias: level == 0)
        }
        norms = (0..<inner).map { BatchNorm2d(widths[inner - 1 - $0]) }
    }

    /// - Parameters:
    ///   - images: [N, 3, side, side], in -1...1.
    ///   - changes: [N, attributes].
    /// - Returns: [N, 3, side, side], in -1...1.
    public func callAsFunction(_ images: Tensor, changes: Tensor) -> Tensor {
        var maps: [Tensor] = []
        for block in encoder { maps.append(block.checkpointed(maps.last ?? images)) }
        let inner = maps.count - 1
        var (value, state) = (maps[inner], maps[inner])
        for (index, layer) in decoder.enumerated() {
            let level = inner - index
            var parts = [value]
            if index > 0, index <= settings.skips {
                if settings.selective {
                    let (chosen, next) = units[index - 1](maps[level], state, changes)
                    parts.append(chosen)
                    state = next
                } else {
                    parts.append(maps[level])
                }
            }
            if index <= settings.injections { parts.append(Self.tiled(changes, value)) }
            value = layer(parts.count == 1 ? parts[0] : Tensor.concatenated(parts, 1))
            if index < norms.count { value = norms[index](value, slope: 0) }
        }
        return value.tanh()
    }

    /// [N, K] as maps [N, K, h, w] of the size and type of others.
    static func tiled(_ changes: Tensor, _ map: Tensor) -> Tensor {
        let shape = map.shape
        return changes.to(map.dtype).unsqueezed(2).unsqueezed(3)
            .expanded(to: [shape[0], changes.shape[1], shape[2], shape[3]])
    }
}

/// Half the side: strided 4 x 4, normalization, leaky ReLU. [N, in, H, W] to [N, out, H / 2, W / 2].
final class Halving: Layer {
    let conv: Conv2d
    let norm: BatchNorm2d

    init(_ inputs: Int, _ outputs: Int) {
        conv = Conv2d(inputs, outputs, kernel: 4, stride: 2, padding: 1, bias: false)
        norm = BatchNorm2d(outputs)
    }

    override func callAsFunction(_ input: Tensor) -> Tensor { norm(conv(input), slope: 0.2) }
}

/// Selects what of a map goes straight to the decoder (Liu et al. 2019, equations 2 to 7): gates as a recurrent unit's.
final class SelectiveUnit: Module {
    let up: ConvTranspose2d
    let reset: Conv2d
    let update: Conv2d
    let hidden: Conv2d

    init(_ width: Int, inside: Int, attributes: Int) {
        up = ConvTranspose2d(inside + attributes, width, kernel: 4, stride: 2, padding: 1)
        reset = Conv2d(2 * width, width, kernel: 3, padding: 1)
        update = Conv2d(2 * width, width, kernel: 3, padding: 1)
        hidden = Conv2d(2 * width, width, kernel: 3, padding: 1)
    }

    /// - Parameters:
    ///   - map: the level's own, [N, width, H, W].
    ///   - state: of the level inside it, [N, inside, H / 2, W / 2].
    /// - Returns: what goes on, and the state for the next level, both [N, width, H, W].
    func callAsFunction(_ map: Tensor, _ state: Tensor, _ changes: Tensor) -> (Tensor, Tensor) {
        let told = up(Tensor.concatenated([state, AttributeConverter.tiled(changes, state)], 1))
        let both = Tensor.concatenated([map, told], 1)
        let next = reset(both).sigmoid() * told
        let gate = update(both).sigmoid()
        let found = hidden(Tensor.concatenated([map, next], 1)).tanh()
        return (told + gate * (found - told), next)
    }
}
