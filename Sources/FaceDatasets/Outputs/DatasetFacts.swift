import Datasets
import Foundation

/// Facts about a data set that its files state.
struct DatasetFacts: Sendable {
    let plan: FaceDatasetPlan
    /// Lines of everything that determines the data set.
    let lines: [String]
    /// Name of the data set.
    let name: String
    /// Width and height of the pictures, in pixels.
    let side: Int
    /// SHA-256 of the model.
    let model: String
    /// Name of the recipe of the model.
    let recipe: String
    /// Number of training images that the model has seen; nil for an imported model.
    let imagesSeen: Int?
    /// Name of the data protocol of the model; nil if unknown.
    let dataProtocol: String?
    /// Precision of the generator.
    let precision: String
    /// Names of the attributes of the face network.
    let attributes: [String]
    /// Names of the labels of a conditional model; empty for others.
    let requested: [String]
    /// Networks that labeled the pictures.
    let networks: FaceLabeler.Networks
    /// Photographs with which the pictures were compared; nil for none.
    let reference: ReferenceFaces.Facts?
    /// Number of rows of w+ that the pictures of one person share.
    let identityRows: Int
    /// Space of the recorded intermediate latents, and its shape; nil for none.
    let w: (space: String, shape: [Int])?

    /// Parts of the data set that have pictures by the plan.
    var splits: [DataSplit] { DataSplit.allCases.filter { plan.splits[$0] > 0 } }
}

extension FaceRecord {
    /// Logit as a probability.
    static func probability(_ logit: Float) -> Double { 1 / (1 + exp(-Double(logit))) }

    /// Key of the picture with an index in the data set: eight digits, or more for large numbers.
    static func key(_ index: Int) -> String {
        let digits = String(index)
        return String(repeating: "0", count: max(0, 8 - digits.count)) + digits
    }

    /// Path of a picture in the folder of its part, such as `0001/00012345.png`.
    static func path(_ index: Int) -> String { String(key(index).dropLast(4)) + "/" + key(index) + ".png" }

    /// Fields of the metadata, as names and JSON texts.
    func fields(_ index: Int, _ facts: DatasetFacts) -> [(String, String)] {
        var fields: [(String, String)] = [
            ("index", "\(index)"), ("split", JSONText.string(split.rawValue)), ("seed", "\(seed)"),
            ("fine_seed", fineSeed.map { "\($0)" } ?? "null"), ("identity", "\(person)"),
            ("variant", "\(variant)"),
        ]
        if !facts.requested.isEmpty {
            fields.append(("requested", JSONText.object(zip(facts.requested, requested.map { "\($0)" }))))
        }
        fields.append(
            (
                "attributes",
                JSONText.object(zip(facts.attributes, labels.logits.map { $0 > 0 ? "1" : "-1" }))
            ))
        fields.append(
            (
                "probabilities",
                JSONText.object(
                    zip(facts.attributes, labels.logits.map { JSONText.number(Self.probability($0)) }))
            ))
        let found = labels.detection
        func pixels(_ values: some Sequence<Float>) -> String {
            JSONText.array(values.map { JSONText.number(Double($0), decimals: 2) })
        }
        fields += [
            (
                "objects",
                found.map { "{\"bbox\": [\(pixels($0.box))], \"categories\": [0]}" }
                    ?? "{\"bbox\": [], \"categories\": []}"
            ),
            ("detector_score", found.map { JSONText.number(Double($0.score)) } ?? "null"),
            (
                "landmarks",
                found.map { face in
                    JSONText.array((0..<5).map { pixels(face.points[2 * $0..<2 * $0 + 2]) })
                } ?? "null"
            ),
        ]
        if facts.reference != nil {
            fields += [
                ("nearest_photograph", photograph.map { "\($0.index)" } ?? "null"),
                ("nearest_distance", photograph.map { JSONText.number($0.distance) } ?? "null"),
                ("nearest_quantile", photograph.map { JSONText.number($0.quantile, decimals: 6) } ?? "null"),
            ]
        }
        let digits = String(hashes.difference, radix: 16)
        fields += [
            ("pixels_sha256", JSONText.string(hashes.pixels)), ("file_sha256", JSONText.string(file)),
            ("dhash", JSONText.string(String(repeating: "0", count: 16 - digits.count) + digits)),
        ]
        return fields
    }
}
