import Console
import Foundation
import Torch

/// Speed of a plain matrix product on the CPU, and the training speed that it allows.
struct ProductSpeed {
    /// Precision of `Precision.auto` on the CPU.
    let precision: Precision
    /// Operations per second; a multiplication and an addition count as two.
    let operationsPerSecond: Double

    /// Operations of plain products in the time of one image in training, for `dcgan` at 64x64. Measured on two cores with
    /// AVX2 and on two with AVX-512 BF16 (Docs/Performance.md, Roofline).
    static let operationsPerImage = 2e9

    /// Measures products of 256 x 256 matrices on one thread for half a second, and multiplies the fastest by the number of
    /// threads. Longer products, and those of several threads, would depend on other programs.
    static func measured() -> ProductSpeed {
        let precision = Precision.auto.resolved(for: .cpu)
        let (side, threads) = (256, Engine.threadCount)
        let matrix = Tensor.normal([side, side], random: RandomSource(seed: 1))
            .to(precision.autocast ?? .float32)
        Engine.setThreads(1)
        defer { Engine.setThreads(threads) }
        let begun = ProcessInfo.processInfo.systemUptime
        var (fastest, start, count) = (Double.infinity, begun, 0)
        while start - begun < 0.5 || count < 100 {
            _ = matrix.matmul(matrix)
            let end = ProcessInfo.processInfo.systemUptime
            (fastest, start, count) = (min(fastest, end - start), end, count + 1)
        }
        let operations = 2 * Double(side * side * side) * Double(threads)
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
