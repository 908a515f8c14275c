/// The levels of Docs/Architecture.md: a room imports only rooms of lower levels.
enum Rooms {
    static let levels: [[String]] = [
        ["CTorch", "CCodecs", "TorchEngine", "Imaging", "Files", "Settings", "Console"],
        ["Torch", "Datasets", "Provenance"],
        ["TorchNN"],
        ["Models", "Objectives", "Metrics"],
        ["Checkpoints"],
        ["Evaluation"],
        ["Training", "Synthesis"],
        ["FaceGAN"],
        ["facegan"],
    ]

    /// C headers over libraries; the rest of level 0 may import these and nothing else.
    static let doors: Set<String> = ["CTorch", "CCodecs"]

    /// Rooms that know no torch: they build in seconds, and their types cross threads.
    static let torchFree = ["Imaging", "Files", "Settings", "Console", "Datasets", "Provenance"]

    static let torch: Set<String> = ["CTorch", "TorchEngine", "Torch", "TorchNN"]

    static func level(of room: String) -> Int? { levels.firstIndex { $0.contains(room) } }
}
