import Foundation
import Models
import TestSupport
import Testing
import Torch

/// The networks against PyTorch, number by number.
@Suite struct ParityTests {
    @Test(arguments: [SmallFamily.dcgan, .denseDCGAN, .residual], [MemoryFormat.contiguous, .channelsLast])
    func smallNetworksEqualPyTorchs(kind: SmallFamily, format: MemoryFormat) throws {
        let golden = try TensorFile.read(goldens("Models/\(kind.rawValue).safetensors")).tensors
        let parity = Parity(
            kind, filters: 4, latent: 10, resolution: 32, format: format, golden: golden)
        // The others start and end otherwise: a scale of 1, and biases that only rounding moves.
        if kind == .dcgan { try parity.expectSameStart() }
        try parity.expectSameValues()
        try parity.expectSameGradients()
        if kind == .dcgan { try parity.expectSameTraining() }
    }

    /// The example's own size, with a PyTorch that runs here and now.
    ///
    /// Trained with the same kernels; `make_models.py` says why no other comparison can hold for millions of weights.
    @Test(.enabled("needs the Python that the engine came with") { python() != nil })
    func theExampleEqualsPyTorch() throws {
        let folder = try TemporaryFolder()
        let file = folder.file("dcgan.pth")
        let made = try runProcess(
            try #require(python()),
            [
                goldens("make_models.py"), "dcgan", "--batch", "4", "--same-kernels", "--threads",
                "\(Engine.threadCount)", "--out", file,
            ], seconds: 600)
        try #require(made.status == 0, "\(made.errors)")
        let parity = Parity(
            .dcgan, filters: 64, latent: 100, resolution: 64, format: .contiguous,
            golden: try PyTorchStateDictionary.read(file))
        try parity.expectSameStart()
        try parity.expectSameValues()
        try parity.expectSameGradients()
        try withKernels(.plain) { try parity.expectSameTraining() }
    }
}

/// The Python that the engine was installed with; nil where there is none, or where the engine is another's.
private func python() -> String? {
    guard (ProcessInfo.processInfo.environment["TORCH_HOME"] ?? "").isEmpty else { return nil }
    // `.torch` leads to VENV/lib/python3.x/site-packages/torch.
    var engine = URL(fileURLWithPath: packageRoot() + "/.torch").resolvingSymlinksInPath()
    for _ in 0..<4 { engine.deleteLastPathComponent() }
    return [packageRoot() + "/.venv", engine.path].map { $0 + "/bin/python" }
        .first { FileManager.default.isExecutableFile(atPath: $0) }
}
