import Files
import Foundation

/// Facts about a run besides its recipe. They must be equal when the run is resumed.
public struct RunRecord: Codable, Sendable, Equatable {
    /// Where the pictures came from, as it was given.
    public var data: String
    /// Digest of the packed pictures.
    public var contentHash: String
    public var dataProtocol: String
    public var protocolHash: String
    public var seed: UInt64
    /// `fp32` or `bf16`.
    public var precision: String
    /// How convolutions are computed; absent in runs from before there was a choice, which are plain.
    public var kernels: String?
    public var device: String
    /// Threads of one operator; another number may change the last bits of sums.
    public var threads: Int
    /// Version of libtorch at the beginning.
    public var engine: String
    /// The run or model whose weights it began with, as it was given; nil for random ones.
    public var start: String?
    /// SHA-256 of that file's tensors.
    public var startDigest: String?

    /// Reads the record of a run's folder.
    public init(folder: String) throws {
        let path = folder + "/run.json"
        let file = try MappedFile(path: path)
        do {
            self = try JSONDecoder().decode(RunRecord.self, from: Data(try file.bytes(0..<file.count)))
        } catch let error as DecodingError {
            throw RunError(
                "\(path): the run's record is damaged (\(error)); begin anew with --restart")
        }
    }

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

    /// Writes it as readable JSON.
    public func write(to path: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try AtomicFile.write(Array(try encoder.encode(self)) + [0x0A], to: path)
    }

    /// What must be equal and is not, one line each.
    package func differences(from wanted: RunRecord) -> [String] {
        var lines: [String] = []
        func compare(_ name: String, _ own: String, _ other: String) {
            if own != other { lines.append("\(name): the run has \(own), asked for \(other)") }
        }
        compare(
            "data protocol", "\(dataProtocol) (\(protocolHash))",
            "\(wanted.dataProtocol) (\(wanted.protocolHash))")
        // The same pictures may lie elsewhere by now.
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
