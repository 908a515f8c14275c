import Console
import Foundation
import Torch

/// Speed of a plain matrix product on the CPU, and the training speed that it allows.
struct ProductSpeed {
    /// Precision of `Precision.auto` on the CPU.
    let precision: Precision
    /// Operations per second; a multiplication and an addition count as two.
    let operationsPerSecond: Double

    /// Operations of the plain product in the time of one image in training, for `dcgan` at 64x64. Measured on two cores
    /// with AVX2 and on two with AVX-512 BF16 (Docs/Performance.md, Roofline).
    static let operationsPerImage = 2.1e9

    /// Measures the fastest of several products of 1024 x 1024 matrices, in about a tenth of a second.
    static func measured() -> ProductSpeed {
        let precision = Precision.auto.resolved(for: .cpu)
        let side = 1024
        let matrix = Tensor.normal([side, side], random: RandomSource(seed: 1))
            .to(precision.autocast ?? .float32)
        var fastest = Double.infinity
        for _ in 0..<7 {
            let start = ProcessInfo.processInfo.systemUptime
            _ = matrix.matmul(matrix)
            fastest = min(fastest, ProcessInfo.processInfo.systemUptime - start)
        }
        let operations = 2 * Double(side * side * side)
        return ProductSpeed(precision: precision, operationsPerSecond: operations / max(fastest, 1e-9))
    }

    /// The speed, and the training speed on processors on which the relation of both was measured.
    func description(on cpu: CPUFeatures) -> String {
        let product =
            "\(Readable.rate(operationsPerSecond / 1e9)) GFLOP/s in \(precision.rawValue)"
        let isMeasured =
            cpu.flags.contains("avx512f")
            ? precision == .bf16 && !cpu.flags.contains("amx_tile") : cpu.flags.contains("avx2")
        guard isMeasured else {
            return product + "; to measure training: facegan train --recipe dcgan --dry-run"
        }
        let rate = Readable.rate(operationsPerSecond / Self.operationsPerImage)
        return product + "; dcgan at 64x64 trains at about \(rate) images/s on an idle machine"
    }
}
