import Foundation
import TestSupport
import Testing

@Suite struct ScriptsTests {
    static let bash =
        ["facegan", ".ci/run", "Benchmarks/run"]
        + ["setup", "build", "demo", "test", "bundle"].map { "scripts/" + $0 }

    @Test(arguments: bash)
    func parsesAndRuns(script: String) throws {
        let result = try runProcess("/usr/bin/env", ["bash", "-n", packageRoot() + "/" + script])
        #expect(result.status == 0, "\(result.errors)")
        #expect(FileManager.default.isExecutableFile(atPath: packageRoot() + "/" + script))
    }

    /// PyTorch itself uses the variable for a cache, so a folder without an engine is met in practice.
    @Test func setupRefusesATorchHomeWithoutEngine() throws {
        let folder = try TemporaryFolder()
        let result = try runProcess(
            packageRoot() + "/scripts/setup", environment: ["TORCH_HOME": folder.path])
        #expect(result.status == 1)
        #expect(result.errors.contains(folder.path))
        #expect(result.errors.contains("env -u TORCH_HOME scripts/setup"))
    }

    @Test func setupRefusesAnOldEngine() throws {
        let folder = try engine(minor: 10)
        let result = try runProcess(
            packageRoot() + "/scripts/setup", environment: ["TORCH_HOME": folder.path])
        #expect(result.status == 1)
        #expect(result.errors.contains("2.10"))
    }

    /// The bundle's launcher asks python3 for PyTorch and hands its folder to the command.
    @Test func launcherFindsTheEngineOfPython() throws {
        let found = try launch(
            answer: "2.13.0+cpu /somewhere/torch", arguments: ["train", "a b"])
        #expect(found.status == 0)
        #expect(found.output.contains("TORCH_HOME=/somewhere/torch"))
        #expect(found.output.contains("<train><a b>"))
        #expect(found.errors.isEmpty)
    }

    @Test func launcherNamesWhatIsTooOld() throws {
        let old = try launch(answer: "2.9.1 /somewhere", arguments: ["train"])
        #expect(old.output.contains("TORCH_HOME=none"))
        #expect(old.errors.contains("PyTorch 2.9.1"))
        #expect(old.errors.contains("2.11 or later"))
    }

    @Test func launcherAsksNobodyForHelp() throws {
        let help = try launch(answer: "2.9.1 /somewhere", arguments: ["--help"])
        #expect(help.output.contains("<--help>"))
        #expect(help.errors.isEmpty)
    }

    /// A folder with the files by which `scripts/setup` knows an engine.
    private func engine(minor: Int) throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        try folder.write("", to: "lib/libtorch_cpu.so")
        try folder.write(
            "#define TORCH_VERSION_MAJOR 2\n#define TORCH_VERSION_MINOR \(minor)\n",
            to: "include/torch/headeronly/version.h")
        return folder
    }

    /// Runs the launcher in a bundle whose command only says what it was given, with a python3 that says `answer`.
    private func launch(answer: String, arguments: [String]) throws -> ProcessResult {
        let bundle = try TemporaryFolder()
        let command = "#!/bin/sh\necho \"TORCH_HOME=${TORCH_HOME:-none}\"\nprintf '<%s>' \"$@\"\n"
        let scripts = [("lib/facegan", command), ("bin/python3", "#!/bin/sh\necho '\(answer)'\n")]
        for (name, text) in scripts {
            try FileManager.default.setAttributes(
                [.posixPermissions: 0o755], ofItemAtPath: bundle.write(text, to: name))
        }
        try FileManager.default.copyItem(
            atPath: packageRoot() + "/scripts/bundle-launcher", toPath: bundle.file("facegan"))
        return try runProcess(
            bundle.file("facegan"), arguments,
            environment: ["PATH": bundle.file("bin") + ":/usr/bin:/bin", "TORCH_HOME": "", "PYTHON": ""])
    }
}
