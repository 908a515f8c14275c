import Foundation

/// How convolutions are computed on the CPU; the results differ by rounding only.
public enum Kernels: String, Sendable, CaseIterable {
    /// Products over tiles where those are faster than the engine's convolution, else the engine's.
    case fast
    /// The engine's own convolution, as PyTorch computes it.
    case plain

    /// `plain` where the environment says `FACEGAN_PLAIN=1`.
    public static let standard: Kernels =
        switch ProcessInfo.processInfo.environment["FACEGAN_PLAIN"] {
        case nil, "", "0": .fast
        default: .plain
        }

    @TaskLocal static var current = standard

    /// Whether this scope asks for the engine's own kernels.
    public static var isPlain: Bool { current == .plain }
}

/// Runs `body` with one kind of kernels, also in the gradients of what it computes.
public func withKernels<Result>(_ kernels: Kernels, _ body: () throws -> Result) rethrows -> Result {
    try Kernels.$current.withValue(kernels, operation: body)
}
