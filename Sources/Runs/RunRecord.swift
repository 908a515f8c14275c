import Files
import Foundation

/// Record of a run in `run.json`: facts other than the recipe. They must be equal when the run is resumed.
public struct RunRecord: Codable, Sendable, Equatable {
    /// Source of the pictures, as in `--data`.
    public var data: String
    /// Digest of the packed pictures.
    public var contentHash: String
    /// Name of the data protocol.
    public var dataProtocol: String
    /// Hash of the data protocol.
    public var protocolHash: String
    /// Seed of the random streams.
    public var seed: UInt64
    /// `fp32` or `bf16`.
    public var precision: String
    /// Kernels of convolutions; nil for `plain`.
    public var kernels: String?
    /// Device at the start.
    public var device: String
    /// Threads of one operator. Another number may change the last bits of sums.
    public var threads: Int
    /// Version of libtorch at the start.
    public var engine: String
    /// Run or model of the initial weights, as in `--from`; nil for random weights.
    public var start: String?
    /// SHA-256 of the tensors of that file.
    public var startDigest: String?
    /// Whether a state has been saved; nil for no.
    public var hasStates: Bool?

    /// Reads the record of a run directory.
    /// - Throws: `FileError` if there is no record; `RunError` if it is damaged.
    public init(folder: String) throws {
        let path = folder + "/run.json"
        let file = try MappedFile(path: path)
        do {
            self = try JSONDecoder().decode(RunRecord.self, from: Data(try file.bytes(0..<file.count)))
        } catch let error as DecodingError {
            throw RunError(
                "\(path): the file is not the record of a run, or it is damaged: \(error.detail); restore it, or choose another --out"
            )
        }
    }

    /// Creates a record; the parameters are described at the properties.
    public init(
        data: String, contentHash: String, dataProtocol: String, protocolHash: String, seed: UInt64,
        precision: String, kernels: String, device: String, threads: Int, engine: String,
        start: String? = nil,
        startDigest: String? = nil
    ) {
        (self.data, self.contentHash, self.dataProtocol) = (data, contentHash, dataProtocol)
        (self.protocolHash, self.seed, self.precision) = (protocolHash, seed, precision)
        self.kernels = kernels
        (self.device, self.threads, self.engine) = (device, threads, engine)
        (self.start, self.startDigest) = (start, startDigest)
    }

    /// Writes JSON with sorted keys, atomically.
    /// - Throws: `FileError`.
    public func write(to path: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try AtomicFile.write(Array(try encoder.encode(self)) + [0x0A], to: path)
    }

    /// Facts that differ from those of a run to be resumed, one line each.
    package func differences(from wanted: RunRecord) -> [String] {
        var lines: [String] = []
        func compare(_ name: String, _ own: String, _ other: String) {
            if own != other { lines.append("\(name): the run has \(own), the command requests \(other)") }
        }
        compare(
            "data protocol", "\(dataProtocol) (\(protocolHash))",
            "\(wanted.dataProtocol) (\(wanted.protocolHash))")
        // The path of the pictures may differ if their content is equal.
        if contentHash != wanted.contentHash {
            compare(
                "pictures", "\(data) (\(contentHash.prefix(12)))",
                "\(wanted.data) (\(wanted.contentHash.prefix(12)))")
        }
        compare("--seed", "\(seed)", "\(wanted.seed)")
        compare("--precision", precision, wanted.precision)
        compare("--from", start ?? "random weights", wanted.start ?? "random weights")
        return lines
    }
}

extension DecodingError {
    /// Key and reason, in one line.
    fileprivate var detail: String {
        switch self {
        case .keyNotFound(let key, _): "no key \(key.stringValue)"
        case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
            (context.codingPath.map(\.stringValue) + [context.debugDescription]).joined(separator: ": ")
        @unknown default: "unknown format"
        }
    }
}
