import Foundation

/// What the processor offers to the engine's kernels, as the system names it.
public struct CPUFeatures: Sendable {
    /// The processor's name.
    public let name: String
    /// Flags such as "avx512_bf16" and "amx_tile".
    public let flags: Set<String>

    /// Of this machine; empty where the system does not say.
    public static let current: CPUFeatures = {
        let text = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
        func value(_ keys: [String]) -> String {
            for line in text.split(separator: "\n") {
                let parts = line.split(separator: ":", maxSplits: 1)
                if parts.count == 2, keys.contains(parts[0].trimmingCharacters(in: .whitespaces)) {
                    return parts[1].trimmingCharacters(in: .whitespaces)
                }
            }
            return ""
        }
        return CPUFeatures(
            name: value(["model name", "Model"]),
            flags: Set(value(["flags", "Features"]).split(separator: " ").map(String.init)))
    }()

    /// Whether matrix products in bfloat16 are faster than in float32 here.
    public var hasFastBFloat16: Bool {
        !flags.isDisjoint(with: ["avx512_bf16", "amx_bf16", "bf16"])
            && !Self.isLimited(ProcessInfo.processInfo.environment)
    }

    /// Whether the environment keeps the engine's products from instructions for bfloat16.
    static func isLimited(_ environment: [String: String]) -> Bool {
        let limit = environment["ONEDNN_MAX_CPU_ISA"] ?? environment["DNNL_MAX_CPU_ISA"] ?? ""
        let without = [
            "SSE41", "AVX", "AVX2", "AVX2_VNNI", "AVX2_VNNI_2", "AVX512_CORE", "AVX512_CORE_VNNI",
        ]
        return without.contains(limit.uppercased())
    }
}
