import TestSupport
import Testing

@Suite struct RoomsTests {
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

    @Test func roomsImportDownward() {
        let rooms = package.targets.filter { $0.folder.hasPrefix("Sources/") }.map(\.name)
        #expect(
            Set(rooms) == Set(Rooms.levels.joined()), "Rooms.levels and Package.swift name different rooms")
        for room in rooms {
            guard let level = Rooms.level(of: room) else { continue }
            for dependency in package.declared(by: room).sorted() {
                let below = Rooms.level(of: dependency).map { $0 < level } ?? false
                let door = level == 0 && Rooms.doors.contains(dependency) && !Rooms.doors.contains(room)
                #expect(
                    below || door, "\(room) (level \(level)) declares \(dependency), which is not below it")
            }
        }
    }

    @Test func learningAndUsingNeverMeet() {
        #expect(!package.reached(from: "Training").contains("Synthesis"))
        #expect(!package.reached(from: "Synthesis").contains("Training"))
    }

    @Test(arguments: Rooms.torchFree)
    func knowsNoTorch(room: String) {
        let found = package.reached(from: room).intersection(Rooms.torch)
        #expect(found.isEmpty, "\(room) reaches \(found.sorted())")
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

    /// Only the engine room sees libtorch's headers; everybody else goes through CTorch's C header.
    @Test func engineHeadersStayInTheEngine() throws {
        let prefixes = ["torch/", "ATen/", "c10/", "caffe2/"]
        for target in package.targets where target.name != "TorchEngine" {
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
