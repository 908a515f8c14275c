import Checkpoints
import Models
import Synthesis
import Torch
import TorchNN

/// Resolution of edits for a model: names to vectors or labels, and units to distances.
struct LatentEditor {
    /// Space of the directions: `.z` or `.w`.
    let space: LatentPoint.Space
    private let sampler: FaceSampler
    private let directions: DirectionSet?
    private let options: EditOptions

    /// Faces on which a unit is measured that is not in the file.
    private static let calibrationFaces = 12

    /// - Throws: `EditError` for repeated names, and for a space or layers that the model does not have.
    init(_ sampler: FaceSampler, _ directions: DirectionSet?, _ options: EditOptions, _ names: [String])
        throws
    {
        (self.sampler, self.directions, self.options) = (sampler, directions, options)
        if let twice = names.first(where: { name in names.count { $0 == name } > 1 }) {
            throw EditError("\(twice): the edit appears twice; add both amounts")
        }
        let path = sampler.model.path
        let style = sampler.model.generator as? any StyleGenerator
        // Only latents in z have labels.
        let label = names.first { sampler.model.attributes.contains($0) }
        let wanted =
            options.space ?? (label != nil ? .z : directions?.defaultSpace ?? (style == nil ? .z : .w))
        guard wanted == .z || (wanted == .w && style != nil) else {
            throw EditError("\(path): the generator has no space \(wanted.rawValue) for edits; use --space z")
        }
        if let label, wanted != .z {
            throw EditError(
                "\(label): an attribute of the conditional model, which is changed in space z; use --space z")
        }
        if let layers = options.layers {
            guard wanted == .w, let style else {
                throw EditError("layers: only space w of a style generator has layers; omit --layers")
            }
            guard layers.lowerBound >= 0, layers.upperBound < style.layerCount else {
                throw EditError(
                    "layers: expected a range within 0-\(style.layerCount - 1) for \(path), got"
                        + " \(layers.lowerBound)-\(layers.upperBound)")
            }
        }
        space = wanted
    }

    /// Space of the latents that are edited: `.z`, or `.wPlus` for directions in w.
    var pointSpace: LatentPoint.Space { space == .z ? .z : .wPlus }

    /// Finds the vector and the unit of an edit.
    /// - Parameters:
    ///   - edit: the edit.
    ///   - meter: face network, for a unit that is not in the file.
    /// - Throws: `EditError` for an unknown name; errors of `meter`.
    func resolve(_ edit: Edit, meter: () throws -> FaceMeter) throws -> ResolvedEdit {
        guard edit.amount.isFinite, abs(edit.amount) <= Edit.limit else {
            throw EditError(
                "\(edit.name): expected an amount from -\(Edit.limit) to \(Edit.limit), got \(edit.amount)")
        }
        if let label = sampler.model.attributes.firstIndex(of: edit.name) {
            return ResolvedEdit(edit, .label(label), attribute: edit.name)
        }
        guard let directions else {
            throw EditError.unknown(
                edit.name, among: sampler.model.attributes, what: "attribute of this model")
        }
        let found = try directions.vector(edit.name, in: space, options)
        let width = space == .z ? sampler.model.generator.latentSpace.size : wSize
        guard found.vector.count == width else {
            throw EditError(
                "\(edit.name): the direction has \(found.vector.count) values, but the model has \(width); find the directions"
                    + " again with `facegan directions`")
        }
        if let unit = found.unit {
            return ResolvedEdit(
                edit, .direction(vector: found.vector, unit: unit), attribute: found.attribute)
        }
        let meter = try meter()
        guard let own = meter.attributes.firstIndex(of: found.attribute) else {
            throw EditError(
                "\(found.attribute): the face network does not know this attribute, so the step cannot be measured; use the"
                    + " network of the directions")
        }
        let deviations = meter.attributes.map { name in
            directions.attributes.firstIndex(of: name).map { directions.deviations[$0] } ?? 1
        }
        let calibration = try Calibration(
            sampler, meter, space: space, count: Self.calibrationFaces,
            logitsPerUnit: directions.logitsPerUnit, deviations: deviations)
        let unit = try calibration.unit(of: found.vector, attribute: own, layers: options.layers)
        return ResolvedEdit(
            edit, .direction(vector: found.vector, unit: unit.distance), attribute: found.attribute)
    }

    private var wSize: Int {
        (sampler.model.generator as? any StyleGenerator)?.averageW.value.shape[0] ?? 0
    }

    /// Latents of seeds and latents in `.z` or `.wPlus`.
    static func origins(_ sampler: FaceSampler, _ sources: [LatentSource], _ space: LatentPoint.Space) throws
        -> [LatentPoint]
    {
        try sampler.points(of: sources, in: space)
    }
}
