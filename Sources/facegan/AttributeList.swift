import ArgumentParser
import Foundation

/// `Smiling=1,Eyeglasses=0`: attributes that faces should have or lack.
struct AttributeList {
    let wanted: [(name: String, isPresent: Bool)]

    private static let values = [
        "1": true, "yes": true, "true": true, "0": false, "-1": false, "no": false, "false": false,
    ]

    init(_ text: String) throws {
        wanted = try text.split(separator: ",").map { part in
            let sides = part.split(separator: "=", maxSplits: 1).map {
                $0.trimmingCharacters(in: .whitespaces)
            }
            guard sides.count == 2, !sides[0].isEmpty, let value = Self.values[sides[1].lowercased()] else {
                throw ValidationError(
                    "--attr: expected NAME=1 or NAME=0, such as Smiling=1,Eyeglasses=0; got \(part).")
            }
            return (sides[0], value)
        }
        guard !wanted.isEmpty else {
            throw ValidationError("--attr: expected NAME=1 or NAME=0, such as Smiling=1,Eyeglasses=0.")
        }
        let names = wanted.map(\.name)
        if let twice = names.first(where: { name in names.count { $0 == name } > 1 }) {
            throw ValidationError("--attr: \(twice) is asked for twice.")
        }
    }
}
