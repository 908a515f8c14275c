import ArgumentParser
import Datasets
import Files

/// How a command is told under which protocol to make samples.
struct ProtocolOptions: ParsableArguments {
    @Option(
        name: .customLong("protocol"),
        help: ArgumentHelp("The data protocol, such as celeba64-178. (default: by the kind of source)"))
    var name: String?

    @Option(help: ArgumentHelp("Width and height of a sample in pixels, without --protocol. (default: 64)"))
    var resolution: Int?

    func validate() throws {
        if name != nil, resolution != nil {
            throw ValidationError("--resolution is part of the protocol's name: give one of the two.")
        }
    }

    /// The chosen protocol, or the usual one for such a source; a packed store's own.
    func resolve(for source: any PictureSource) throws -> DataProtocol {
        if let name { return try DataProtocol.parse(name) }
        if resolution == nil, let packed = source.packedProtocol { return packed }
        return try source.kind.suggestedProtocol(size: resolution ?? 64)
    }
}

/// A part of a data set, as it is written on the command line.
enum SplitName: String, ExpressibleByArgument, CaseIterable {
    case train, validation, test

    var value: Labels.Split {
        switch self {
        case .train: .train
        case .validation: .validation
        case .test: .test
        }
    }
}

/// A text file with one name a line; what follows a tab is a remark.
enum NameList {
    static func read(_ path: String) throws -> Set<String> {
        let file = try MappedFile(path: path)
        let text = String(decoding: try file.bytes(file.all), as: UTF8.self)
        return Set(
            text.split(whereSeparator: \.isNewline).compactMap { line in
                line.split(separator: "\t", maxSplits: 1).first.map(String.init)
            })
    }
}

/// Problems with labels, a line for every kind.
enum LabelSummary {
    static func lines(_ issues: [LabelIssue]) -> [String] {
        LabelIssue.Kind.allCases.compactMap { kind in
            let found = issues.filter { $0.kind == kind }
            guard let first = found.first else { return nil }
            return found.count == 1
                ? "\(first)" : "\(found.count) of the kind '\(kind.rawValue)', the first: \(first)"
        }
    }
}
