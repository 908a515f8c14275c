// swift-tools-version: 6.2
import PackageDescription

// The engine is PyTorch's wheel; `make setup` links it here. See Docs/Architecture.md.
let torch =
    Context.environment["TORCH_HOME"].flatMap { $0.isEmpty ? nil : $0 }
    ?? Context.packageDirectory + "/.torch"

let swift: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"), .enableUpcomingFeature("MemberImportVisibility"),
]

/// For tests and the command line, which call the modules and compute little themselves: the optimizer takes longer than it saves.
let unoptimized: [SwiftSetting] = swift + [.unsafeFlags(["-Onone"])]

/// How C++ sources find libtorch's headers.
let libtorch: [CXXSetting] = [
    .unsafeFlags([
        "-isystem", torch + "/include", "-isystem", torch + "/include/torch/csrc/api/include",
        "-fvisibility=hidden", "-Wno-deprecated-declarations", "-Wno-psabi",
    ])
]

/// A module in `Sources/` and the targets that it imports.
func module(_ name: String, _ dependencies: [Target.Dependency] = [], resources: [Resource]? = nil) -> Target
{
    .target(name: name, dependencies: dependencies, resources: resources, swiftSettings: swift)
}

/// The tests of a module.
func tests(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .testTarget(
        name: name + "Tests", dependencies: [.target(name: name), "TestSupport"] + dependencies,
        swiftSettings: unoptimized)
}

/// Only `scripts/docs` needs the documentation plugin.
let documentation: [Package.Dependency] =
    Context.environment["FACEGAN_DOCS"] == nil
    ? [] : [.package(url: "https://github.com/swiftlang/swift-docc-plugin", from: "1.4.0")]

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
    ] + documentation,
    targets: [
        // Level 0
        .target(name: "CTorch"),
        .target(name: "TorchKernels", cxxSettings: libtorch),
        .target(
            name: "TorchEngine", dependencies: ["CTorch", "TorchKernels"], cxxSettings: libtorch,
            linkerSettings: [
                .unsafeFlags([
                    "-L", torch + "/lib", "-Xlinker", "-rpath", "-Xlinker", torch + "/lib",
                    // From `.build/TRIPLE/release`, for a clone that was moved after it was built.
                    "-Xlinker", "-rpath", "-Xlinker", "$ORIGIN/../../../.torch/lib",
                ]),
                // A symbol that libtorch does not export is an error here instead of at its first use.
                .unsafeFlags(["-Xlinker", "-z", "-Xlinker", "defs"], .when(platforms: [.linux])),
                .linkedLibrary("torch_cpu"), .linkedLibrary("c10"),
                .linkedLibrary("m", .when(platforms: [.linux])),
            ]),
        .target(
            name: "CCodecs",
            linkerSettings: [
                .linkedLibrary("jpeg"), .linkedLibrary("png"), .linkedLibrary("z"),
                .linkedLibrary("dl", .when(platforms: [.linux])),
            ]),
        module("Imaging", ["CCodecs"]),
        module("Files", ["CCodecs", .product(name: "Crypto", package: "swift-crypto")]),
        module("Settings", ["Yams"]),
        module("Console"),
        // Level 1
        module("SyntheticFaces", ["Imaging"]),
        module("Downloads", ["Files"]),
        module("Provenance", ["Imaging"]),
        module("Torch", ["CTorch", "Files"]),
        // Level 2
        module("Datasets", ["SyntheticFaces", "Provenance", "Imaging", "Files"]),
        module("TorchNN", ["Torch"]),
        // Level 3
        module("Models", ["TorchNN", "Torch", "Imaging", "Settings"]),
        module("Objectives", ["Torch", "Settings"]),
        module("Metrics", ["Torch"]),
        // Level 4
        module(
            "Recipes",
            ["Models", "Objectives", "TorchNN", "Torch", "Datasets", "Imaging", "Settings"],
            resources: [.embedInCode("Recipes")]),
        module(
            "PretrainedWeights", ["Models", "TorchNN", "Torch", "Downloads", "Settings", "Files"]),
        // Level 5
        module(
            "Checkpoints",
            [
                "Recipes", "PretrainedWeights", "Models", "TorchNN", "Torch", "Datasets", "Settings", "Files",
            ]),
        module("Runs", ["Recipes", "Datasets", "Imaging", "Files"]),
        // Level 6
        module(
            "Evaluation",
            [
                "Checkpoints", "PretrainedWeights", "Recipes", "Models", "Metrics", "TorchNN", "Torch",
                "Datasets", "Imaging", "Provenance", "Settings", "Files",
            ]),
        // Level 7
        module(
            "Synthesis",
            [
                "Evaluation", "Checkpoints", "PretrainedWeights", "Recipes", "Models", "TorchNN", "Torch",
                "Datasets", "Imaging", "Provenance", "Files",
            ]),
        module(
            "Training",
            [
                "Evaluation", "Runs", "Checkpoints", "PretrainedWeights", "Recipes", "Models", "Objectives",
                "Metrics", "TorchNN", "Torch", "Datasets", "SyntheticFaces", "Imaging", "Provenance",
                "Settings", "Files", "Console",
            ]),
        // Level 8
        module(
            "Editing",
            [
                "Synthesis", "Evaluation", "Checkpoints", "PretrainedWeights", "Recipes", "Models", "Metrics",
                "TorchNN", "Torch", "Imaging", "Provenance", "Settings", "Files",
            ]),
        module(
            "FaceDatasets",
            [
                "Synthesis", "Evaluation", "Checkpoints", "PretrainedWeights", "Recipes", "Models", "Metrics",
                "TorchNN", "Torch", "Datasets", "Imaging", "Provenance", "Files",
            ]),
        // Level 9
        module(
            "FaceGAN",
            [
                "Editing", "FaceDatasets", "Training", "Runs", "Synthesis", "Evaluation", "Checkpoints",
                "PretrainedWeights", "Recipes", "Models", "Objectives", "Metrics", "TorchNN", "Torch",
                "Datasets", "SyntheticFaces", "Downloads", "Imaging", "Provenance", "Settings",
            ]),
        // Level 10
        .executableTarget(
            name: "facegan",
            dependencies: [
                "Editing", "FaceDatasets", "Training", "Runs", "Synthesis", "Evaluation", "Checkpoints",
                "PretrainedWeights", "Recipes", "Models", "Objectives", "TorchNN", "Torch", "Datasets",
                "Downloads", "Imaging",
                "Provenance", "Settings", "Files", "Console",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: unoptimized),
        // The program of Docs/Library.md
        .executableTarget(
            name: "FirstFaces", dependencies: ["FaceGAN", "TorchEngine"], path: "Examples/FirstFaces",
            swiftSettings: swift),
        // Tests
        .target(
            name: "TestSupport", dependencies: ["Console"], path: "Tests/TestSupport", swiftSettings: swift),
        .target(
            name: "TensorTestSupport", dependencies: ["TestSupport", "Torch"],
            path: "Tests/TensorTestSupport",
            swiftSettings: swift),
        .target(
            name: "ModelTestSupport",
            dependencies: [
                "TestSupport", "Checkpoints", "Recipes", "Models", "TorchNN", "Torch", "Settings",
            ],
            path: "Tests/ModelTestSupport", swiftSettings: swift),
        tests("Files"),
        tests("Imaging", ["Provenance", "CCodecs"]),
        tests("Provenance", ["Imaging"]),
        tests("Settings"),
        tests("Console"),
        tests("Torch", ["Files"]),
        tests("TorchNN", ["Torch"]),
        tests("SyntheticFaces", ["Imaging"]),
        tests("Downloads", ["Files"]),
        tests("Datasets", ["SyntheticFaces", "Provenance", "Imaging", "Files"]),
        tests("Models", ["TensorTestSupport", "TorchNN", "Torch", "Objectives", "Files", "Imaging"]),
        tests("Objectives", ["Models", "TorchNN", "Torch", "Settings"]),
        tests("Metrics", ["Torch"]),
        tests("Runs", ["Files"]),
        tests("Recipes", ["Models", "TorchNN", "Torch", "Settings"]),
        tests("PretrainedWeights", ["Models", "TorchNN", "Torch", "Imaging", "Files"]),
        tests(
            "Training",
            [
                "TensorTestSupport", "Evaluation", "Checkpoints", "Runs", "Recipes", "Models", "Objectives",
                "TorchNN", "Torch", "Datasets", "Imaging", "Settings", "Console",
            ]),
        tests(
            "Evaluation",
            [
                "Checkpoints", "PretrainedWeights", "Recipes", "Models", "Metrics", "TorchNN", "Torch",
                "Datasets", "SyntheticFaces", "Provenance", "Imaging",
            ]),
        tests("Checkpoints", ["ModelTestSupport", "Recipes", "Models", "TorchNN", "Torch", "Files"]),
        tests(
            "Synthesis",
            [
                "ModelTestSupport", "Evaluation", "Checkpoints", "PretrainedWeights", "Recipes", "Models",
                "TorchNN", "Torch", "Datasets", "SyntheticFaces", "Imaging", "Provenance", "Settings",
                "Files",
            ]),
        tests(
            "Editing",
            [
                "TensorTestSupport", "ModelTestSupport", "Synthesis", "Checkpoints", "Models", "TorchNN",
                "Torch", "Provenance", "Recipes", "Settings",
            ]),
        tests(
            "FaceDatasets",
            [
                "ModelTestSupport", "Synthesis", "Checkpoints", "Recipes", "Models", "TorchNN", "Torch",
                "Datasets", "Imaging", "Provenance", "Files",
            ]),
        .testTarget(
            name: "CommandTests", dependencies: ["TestSupport", "FaceGAN", "Files"],
            swiftSettings: unoptimized),
        .testTarget(name: "ArchitectureTests", dependencies: ["TestSupport"], swiftSettings: unoptimized),
    ],
    swiftLanguageModes: [.v6],
    cxxLanguageStandard: .cxx20
)
