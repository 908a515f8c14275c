// swift-tools-version: 6.2
import PackageDescription

// The engine is PyTorch's wheel; `make setup` links it here. See Docs/Architecture.md.
let torch =
    Context.environment["TORCH_HOME"].flatMap { $0.isEmpty ? nil : $0 }
    ?? Context.packageDirectory + "/.torch"

let swift: [SwiftSetting] = [.enableUpcomingFeature("ExistentialAny")]

/// A room: a target in `Sources/` and what it may import.
func room(_ name: String, _ dependencies: [Target.Dependency] = [], resources: [Resource]? = nil) -> Target {
    .target(name: name, dependencies: dependencies, resources: resources, swiftSettings: swift)
}

/// The tests of a room.
func tests(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .testTarget(
        name: name + "Tests", dependencies: [.target(name: name), "TestSupport"] + dependencies,
        swiftSettings: swift)
}

let package = Package(
    name: "FaceGAN",
    platforms: [.macOS(.v15)],
    products: [
        .library(name: "FaceGAN", targets: ["FaceGAN", "TorchEngine"]),
        // Loaded at run time by the command, so that `facegan --help` does not wait for libtorch.
        .library(name: "FaceGANTorchEngine", type: .dynamic, targets: ["TorchEngine"]),
        .executable(name: "facegan", targets: ["facegan"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
    ],
    targets: [
        // Level 0
        .target(name: "CTorch"),
        .target(
            name: "TorchEngine", dependencies: ["CTorch"],
            cxxSettings: [
                .unsafeFlags([
                    "-isystem", torch + "/include",
                    "-isystem", torch + "/include/torch/csrc/api/include",
                    "-fvisibility=hidden", "-Wno-deprecated-declarations",
                ])
            ],
            linkerSettings: [
                .unsafeFlags([
                    "-L", torch + "/lib", "-Xlinker", "-rpath", "-Xlinker", torch + "/lib",
                    // From `.build/TRIPLE/release`, for a clone that was moved after it was built.
                    "-Xlinker", "-rpath", "-Xlinker", "$ORIGIN/../../../.torch/lib",
                ]),
                .linkedLibrary("torch_cpu"), .linkedLibrary("c10"),
            ]),
        .target(
            name: "CCodecs",
            linkerSettings: [
                .linkedLibrary("jpeg"), .linkedLibrary("png"), .linkedLibrary("z"),
                .linkedLibrary("dl", .when(platforms: [.linux])),
            ]),
        room("Imaging", ["CCodecs"]),
        room("Files", ["CCodecs", .product(name: "Crypto", package: "swift-crypto")]),
        room("Settings", ["Yams"]),
        room("Console"),
        // Level 1
        room("Torch", ["CTorch", "Files"]),
        room("Datasets", ["Imaging", "Files"]),
        room("Provenance", ["Imaging"]),
        // Level 2
        room("TorchNN", ["Torch"]),
        // Level 3
        room("Models", ["TorchNN", "Torch", "Settings"]),
        room("Objectives", ["TorchNN", "Torch", "Settings"]),
        room("Metrics", ["Torch"]),
        // Level 4
        room(
            "Checkpoints", ["Models", "Objectives", "TorchNN", "Torch", "Datasets", "Settings", "Files"],
            resources: [.embedInCode("Recipes")]),
        // Level 5
        room(
            "Training",
            [
                "Evaluation", "Checkpoints", "Models", "Objectives", "Metrics", "TorchNN", "Torch",
                "Datasets",
                "Imaging", "Provenance", "Settings", "Files", "Console",
            ]),
        room(
            "Evaluation",
            [
                "Checkpoints", "Models", "Metrics", "TorchNN", "Torch", "Datasets", "Imaging", "Provenance",
                "Settings", "Files",
            ]),
        // Level 6
        room(
            "Synthesis",
            ["Checkpoints", "Models", "TorchNN", "Torch", "Datasets", "Imaging", "Provenance", "Files"]),
        // Level 7
        room(
            "FaceGAN",
            [
                "Training", "Synthesis", "Evaluation", "Checkpoints", "Models", "Objectives", "Metrics",
                "TorchNN", "Torch",
                "Datasets", "Imaging", "Provenance", "Settings",
            ]),
        // Level 8
        .executableTarget(
            name: "facegan",
            dependencies: [
                "Training", "Synthesis", "Evaluation", "Checkpoints", "Models", "Objectives", "Torch",
                "Datasets",
                "Imaging",
                "Provenance", "Settings", "Files", "Console",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: swift),
        // The program of Docs/Library.md
        .executableTarget(
            name: "FirstFaces", dependencies: ["FaceGAN", "TorchEngine"], path: "Examples/FirstFaces",
            swiftSettings: swift),
        // Tests
        .target(
            name: "TestSupport", dependencies: ["Files"], path: "Tests/TestSupport", swiftSettings: swift),
        tests("Files"),
        tests("Imaging", ["Provenance", "CCodecs"]),
        tests("Settings"),
        tests("Console"),
        tests("Torch", ["Files"]),
        tests("TorchNN", ["Torch"]),
        tests("Datasets", ["Imaging", "Files"]),
        tests("Models", ["TorchNN", "Torch", "Objectives", "Settings", "Files", "Imaging"]),
        tests("Metrics", ["Torch"]),
        tests("Checkpoints", ["Models", "TorchNN", "Torch", "Imaging", "Files"]),
        tests(
            "Training",
            [
                "Evaluation", "Checkpoints", "Models", "Objectives", "TorchNN", "Torch", "Datasets",
                "Settings",
                "Console",
            ]),
        tests("Evaluation", ["Checkpoints", "Models", "Torch", "Datasets", "Imaging"]),
        tests(
            "Synthesis", ["Checkpoints", "Models", "Torch", "Datasets", "Imaging", "Provenance", "Files"]),
        .testTarget(
            name: "CommandTests", dependencies: ["TestSupport", "FaceGAN", "Files"], swiftSettings: swift),
        .testTarget(name: "ArchitectureTests", dependencies: ["TestSupport"], swiftSettings: swift),
    ],
    swiftLanguageModes: [.v6],
    cxxLanguageStandard: .cxx20
)
