import Foundation
import TestSupport

/// What Package.swift declares, read from `swift package dump-package`.
struct PackageDescription: Decodable {
    let targets: [Target]

    struct Target: Decodable {
        let name: String
        let type: String
        let path: String?
        let dependencies: [Dependency]
        let settings: [Setting]

        /// The folder below the package's root.
        var folder: String { path ?? (type == "test" ? "Tests/" : "Sources/") + name }
    }

    /// Targets come as `byName` or `target`, products of other packages as `product`; the name comes first.
    struct Dependency: Decodable {
        let name: String

        init(from decoder: any Decoder) throws {
            let kinds = try decoder.singleValueContainer().decode([String: [Part]].self)
            guard case .text(let name)? = kinds.values.first?.first else {
                throw DecodingError.dataCorrupted(
                    .init(codingPath: decoder.codingPath, debugDescription: "no name"))
            }
            self.name = name
        }

        private enum Part: Decodable {
            case text(String)
            case other

            init(from decoder: any Decoder) throws {
                self = (try? decoder.singleValueContainer().decode(String.self)).map(Part.text) ?? .other
            }
        }
    }

    struct Setting: Decodable {
        let kind: [String: Payload]

        struct Payload: Decodable {
            init(from decoder: any Decoder) throws {}
        }
    }

    /// The package this test belongs to.
    static let this: Result<PackageDescription, any Error> = Result {
        // A scratch path of its own: the build's is locked while tests run.
        let scratch = try TemporaryFolder()
        let result = try runProcess(
            "/usr/bin/env", ["swift", "package", "--scratch-path", scratch.file("scratch"), "dump-package"])
        guard result.status == 0 else { throw Failure(text: result.errors) }
        return try JSONDecoder().decode(PackageDescription.self, from: Data(result.output.utf8))
    }

    struct Failure: Error { let text: String }

    /// The names of own targets that `target` declares.
    func declared(by target: String) -> Set<String> {
        let own = Set(targets.map(\.name))
        return Set(targets.first { $0.name == target }?.dependencies.map(\.name) ?? []).intersection(own)
    }

    /// Everything that `target` reaches, itself left out.
    func reached(from target: String) -> Set<String> {
        var seen: Set<String> = []
        var open = declared(by: target)
        while let next = open.popFirst() {
            seen.insert(next)
            open.formUnion(declared(by: next).subtracting(seen))
        }
        return seen
    }
}
