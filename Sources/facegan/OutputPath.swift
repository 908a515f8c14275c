import Checkpoints
import Console
import Files
import Foundation

/// Checks of the paths to which a command writes.
enum OutputPath {
    /// Refuses outputs that would replace an input.
    /// - Parameters:
    ///   - outputs: paths to write; nil for those that were not requested.
    ///   - inputs: paths of files, folders, runs or models to read; nil for those that were not given.
    /// - Throws: `CommandError`.
    static func check(_ outputs: [String?], inputs: [String?]) throws {
        let given = inputs.compactMap(\.self)
        // A run stands for its newest state.
        let files = given + given.compactMap { try? ModelFile($0).path }
        for output in outputs.compactMap(\.self) {
            guard let target = identity(output), target.kind == S_IFREG else { continue }
            if let input = files.first(where: { identity($0) == target }) {
                throw CommandError(
                    "\(output): the output would replace the input \(input); choose another path")
            }
        }
    }

    /// Stream for messages: standard error if one of the outputs is standard output.
    static func messages(_ outputs: String?...) -> ConsoleOutput {
        outputs.contains { $0.map(AtomicFile.isStandardOutput) == true } ? .standardError : .standardOutput
    }

    private struct Identity: Equatable {
        let device: UInt64
        let node: UInt64
        let kind: mode_t
    }

    private static func identity(_ path: String) -> Identity? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        return Identity(
            device: UInt64(truncatingIfNeeded: status.st_dev), node: UInt64(status.st_ino),
            kind: status.st_mode & S_IFMT)
    }
}
