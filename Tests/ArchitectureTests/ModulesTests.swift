import TestSupport
import Testing

@Suite struct ModulesTests {
    let package: PackageDescription

    init() throws { package = try PackageDescription.this.get() }

    /// SwiftPM lets a target import a sibling that it does not depend on; this does not.
    @Test func importsAreDeclared() throws {
        let own = Set(package.targets.map(\.name))
        var leaks: [String] = []
        var files = 0
        for target in package.targets {
            let allowed = package.declared(by: target.name).union([target.name])
            for file in try SourceFile.all(below: target.folder, endings: [".swift"]) {
                files += 1
                for module in file.imports.intersection(own).subtracting(allowed).sorted() {
                    leaks.append("\(file.path) imports \(module), which \(target.name) does not declare")
                }
            }
        }
        #expect(leaks.isEmpty, "\(leaks.joined(separator: "\n"))")
        #expect(files > 20, "the scan saw only \(files) files")
    }

    /// A dependency that no file imports slows builds down and hides what a module needs.
    @Test func dependenciesAreImported() throws {
        // Linked, not imported: the engine, and what every test target is given.
        let linked: Set<String> = ["TorchEngine", "TorchKernels", "CTorch", "TestSupport"]
        for target in package.targets {
            let files = try SourceFile.all(below: target.folder, endings: [".swift"])
            guard !files.isEmpty else { continue }
            let imported = files.reduce(into: Set<String>()) { $0.formUnion($1.imports) }
            let unneeded = package.declared(by: target.name).subtracting(imported).subtracting(linked)
            #expect(
                unneeded.isEmpty, "\(target.name) declares \(unneeded.sorted()) and imports none of it")
        }
    }

    @Test func modulesImportDownward() {
        let modules = package.targets.filter { $0.folder.hasPrefix("Sources/") }.map(\.name)
        #expect(
            Set(modules) == Set(Modules.levels.joined()),
            "Modules.levels and Package.swift name different modules")
        for module in modules {
            guard let level = Modules.level(of: module) else { continue }
            for dependency in package.declared(by: module).sorted() {
                let below = Modules.level(of: dependency).map { $0 < level } ?? false
                let isInterface =
                    level == 0 && Modules.cInterfaces.contains(dependency)
                    && !Modules.cInterfaces.contains(module)
                #expect(
                    below || isInterface,
                    "\(module) (level \(level)) declares \(dependency), which is not below it")
            }
        }
    }

    @Test func learningAndUsingNeverMeet() {
        #expect(!package.reached(from: "Training").contains("Synthesis"))
        #expect(!package.reached(from: "Synthesis").contains("Training"))
    }

    @Test(arguments: Modules.torchFree)
    func knowsNoTorch(module: String) {
        let found = package.reached(from: module).intersection(Modules.torch)
        #expect(found.isEmpty, "\(module) reaches \(found.sorted())")
    }

    /// A loss knows no network: what it needs comes in as tensors and closures.
    @Test func objectivesKnowNoModels() {
        #expect(package.reached(from: "Objectives").isDisjoint(with: ["Models", "Datasets", "Imaging"]))
    }

    /// With C++ interoperability, a C++ exception that reaches Swift is a crash.
    @Test func noTargetTurnsOnCxxInteroperability() {
        for target in package.targets {
            #expect(
                !target.settings.contains { $0.kind.keys.contains("interoperabilityMode") }, "\(target.name)")
        }
    }

    /// Only TorchEngine and TorchKernels include libtorch's headers. Other targets use the C API of CTorch.
    @Test func engineHeadersStayInTheEngine() throws {
        let prefixes = ["torch/", "ATen/", "c10/", "caffe2/"]
        for target in package.targets where !["TorchEngine", "TorchKernels"].contains(target.name) {
            let endings = [".h", ".hpp", ".c", ".cc", ".cpp", ".inc"]
            for file in try SourceFile.all(below: target.folder, endings: endings) {
                for line in file.code where line.hasPrefix("#include") {
                    let name = line.dropFirst("#include".count).drop { " <\"".contains($0) }
                    #expect(!prefixes.contains { name.hasPrefix($0) }, "\(file.path): \(line)")
                }
            }
        }
    }
}
