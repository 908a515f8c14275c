import Foundation

/// `Tests/Tools/flaky_server.py`, serving one file until the object goes.
public final class FlakyServer {
    public let address: String
    private let process = Process()
    private let input = Pipe()

    /// Whether the programs that it needs are here.
    public static var canRun: Bool { tool("python3") != nil && tool("curl") != nil }

    public init(file: String) throws {
        process.executableURL = URL(fileURLWithPath: FlakyServer.tool("python3") ?? "")
        process.arguments = [packageRoot() + "/Tests/Tools/flaky_server.py", file]
        let output = Pipe()
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        var line = Data()
        while !line.contains(0x0A) {
            let more = output.fileHandleForReading.availableData
            guard !more.isEmpty else { throw CocoaError(.fileReadUnknown) }
            line += more
        }
        address = "http://127.0.0.1:" + String(decoding: line.dropLast(), as: UTF8.self)
    }

    deinit {
        try? input.fileHandleForWriting.close()
        process.waitUntilExit()
    }

    /// The requests so far: path, range and the tag that the range depends on.
    public func log() throws -> [String] {
        let curl = FlakyServer.tool("curl") ?? ""
        return try runProcess(curl, ["--silent", address + "/log"]).output.split(separator: "\n").map(
            String.init)
    }

    private static func tool(_ name: String) -> String? {
        (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map { $0 + "/" + name }
            .first { FileManager.default.isExecutableFile(atPath: $0) }
    }
}
