/// The levels of Docs/Architecture.md: a module imports only modules of lower levels.
enum Modules {
    static let levels: [[String]] = [
        ["CTorch", "CCodecs", "TorchKernels", "TorchEngine", "Imaging", "Files", "Settings", "Console"],
        ["SyntheticFaces", "Downloads", "Provenance", "Torch"],
        ["Datasets", "TorchNN"],
        ["Models", "Objectives", "Metrics"],
        ["Recipes", "PretrainedWeights"],
        ["Checkpoints", "Runs"],
        ["Evaluation"],
        ["Synthesis", "Training"],
        ["Editing", "FaceDatasets"],
        ["FaceGAN"],
        ["facegan"],
    ]

    /// C and C++ interfaces to libraries. Other modules of level 0 may import these and nothing else.
    static let cInterfaces: Set<String> = ["CTorch", "CCodecs", "TorchKernels"]

    /// Modules that do not import torch: they build in seconds, and their types are `Sendable`.
    static let torchFree = [
        "Imaging", "Files", "Settings", "Console", "SyntheticFaces", "Downloads", "Datasets", "Provenance",
    ]

    static let torch: Set<String> = ["CTorch", "TorchKernels", "TorchEngine", "Torch", "TorchNN"]

    static func level(of module: String) -> Int? { levels.firstIndex { $0.contains(module) } }
}
