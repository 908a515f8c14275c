import Foundation
import TestSupport
import Testing

@Suite struct ScriptsTests {
    static let bash =
        ["facegan", ".ci/run", "Benchmarks/run"]
        + ["setup", "build", "demo", "test", "test-fuzz", "bundle", "bundle-engine"].map { "scripts/" + $0 }
        + ["test-engines", "test-export", "gpu-bundle", "merge-celeba"].map { "scripts/" + $0 }

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

    /// Every wheel that a script installs has a version and checksums.
    @Test func installedWheelsArePinned() throws {
        let folder = packageRoot() + "/scripts/requirements"
        let lists = try FileManager.default.contentsOfDirectory(atPath: folder)
        #expect(Set(lists) == ["engine-cpu.txt", "engine.txt", "packages.txt", "pillow.txt"])
        for list in lists {
            let text = try String(contentsOfFile: folder + "/" + list, encoding: .utf8)
            let entries = text.replacing("\\\n", with: "").split(separator: "\n").filter {
                !$0.hasPrefix("#")
            }
            for entry in entries {
                let words = entry.split(separator: " ")
                #expect(words.count >= 2 && words[0].contains("=="), "\(list): \(entry)")
                for word in words.dropFirst() {
                    #expect(word.hasPrefix("--hash=sha256:") && word.count == 14 + 64, "\(list): \(word)")
                }
            }
        }
        // A wheel for each of three versions of Python and two processors.
        let engine = try String(contentsOfFile: folder + "/engine-cpu.txt", encoding: .utf8)
        #expect(engine.components(separatedBy: "--hash").count == 7)
        for script in Self.bash {
            let text = try String(contentsOfFile: packageRoot() + "/" + script, encoding: .utf8)
            #expect(!text.contains("--extra-index-url"), "\(script) adds an index")
            #expect(!text.contains("http://"), "\(script) downloads without https")
        }
    }

    /// The bundle's launcher asks python3 for PyTorch and hands its folder and the right engine library to the command.
    @Test func launcherFindsTheEngineOfPython() throws {
        let bundle = try Bundle(python: "2.13.0+cpu /somewhere/torch")
        let found = try bundle.launch(["train", "a b"])
        #expect(found.status == 0)
        #expect(found.output.contains("TORCH_HOME=/somewhere/torch"))
        #expect(found.output.contains("/lib/libFaceGANTorchEngine-2.13.so"))
        #expect(found.output.contains("<train><a b>"))
        #expect(found.errors.isEmpty)
    }

    @Test func launcherTakesTorchHome() throws {
        let engine = try engine(minor: 13)
        let bundle = try Bundle(python: "2.9.1 /somewhere/torch")
        let found = try bundle.launch(["train"], torchHome: engine.path)
        #expect(found.output.contains("TORCH_HOME=\(engine.path)"))
        #expect(found.output.contains("/lib/libFaceGANTorchEngine-2.13.so"))
    }

    @Test func launcherNamesWhatIsTooOld() throws {
        let old = try Bundle(python: "2.9.1 /somewhere/torch").launch(["train"])
        #expect(old.output.contains("TORCH_HOME=none"))
        #expect(old.errors.contains("PyTorch 2.9.1"))
        #expect(old.errors.contains("2.11 or later"))
    }

    @Test func launcherAsksNobodyForHelp() throws {
        let help = try Bundle(python: "2.9.1 /somewhere/torch").launch(["--help"])
        #expect(help.output.contains("<--help>"))
        #expect(help.errors.isEmpty)
    }

    @Test func launcherMakesAMissingDoorOnce() throws {
        let bundle = try Bundle(python: "2.12.0 /somewhere/torch", builder: "#!/bin/sh\ntouch \"$3\"\n")
        let first = try bundle.launch(["train"])
        #expect(first.errors.contains("PyTorch 2.12"))
        #expect(first.output.contains("/cache/engines/libFaceGANTorchEngine-2.12-"))
        let second = try bundle.launch(["train"])
        #expect(second.errors.isEmpty)
        #expect(second.output == first.output)
    }

    @Test func launcherSaysWhenItCannotMakeADoor() throws {
        let result = try Bundle(python: "2.12.0 /somewhere/torch", builder: "#!/bin/sh\nexit 3\n").launch([
            "train"
        ])
        #expect(result.errors.contains("engine libraries for: 2.13"))
        #expect(result.errors.contains("C++ compiler"))
        #expect(result.output.contains("FACEGAN_ENGINE=none"))
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

    /// A bundle whose command only says what it was given, with an engine library for PyTorch 2.13 and a python3 of its own.
    private struct Bundle {
        let folder: TemporaryFolder

        /// - Parameters:
        ///   - python: what python3 answers when it is asked for PyTorch.
        ///   - builder: the script that stands for the compilation of an engine library.
        init(python: String, builder: String = "#!/bin/sh\nexit 1\n") throws {
            folder = try TemporaryFolder()
            let command =
                "#!/bin/sh\necho \"TORCH_HOME=${TORCH_HOME:-none} FACEGAN_ENGINE=${FACEGAN_ENGINE:-none}\"\n"
                + "printf '<%s>' \"$@\"\n"
            let scripts = [
                ("lib/facegan", command), ("lib/engine/build", builder),
                ("bin/python3", "#!/bin/sh\necho '\(python)'\n"),
            ]
            for (name, text) in scripts { try folder.writeScript(text, to: name) }
            try folder.write("", to: "lib/engine/engine.cpp")
            try folder.write("", to: "lib/engine/engine.h")
            try folder.write("", to: "lib/libFaceGANTorchEngine-2.13.so")
            try folder.copyScript(packageRoot() + "/scripts/bundle-launcher", to: "facegan")
        }

        func launch(_ arguments: [String], torchHome: String = "") throws -> ProcessResult {
            try runProcess(
                folder.file("facegan"), arguments,
                environment: [
                    "PATH": folder.file("bin") + ":/usr/bin:/bin", "TORCH_HOME": torchHome, "PYTHON": "",
                    "FACEGAN_CACHE": folder.file("cache"),
                ])
        }
    }
}
