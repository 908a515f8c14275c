import Foundation

/// Where a tensor lives.
public enum Device: Hashable, Sendable {
    case cpu
    case cuda(Int)

    var type: Int32 { self == .cpu ? 0 : 1 }
    var index: Int32 {
        switch self {
        case .cpu: -1
        case .cuda(let index): Int32(index)
        }
    }

    init(type: Int32, index: Int32) {
        switch type {
        case 0: self = .cpu
        case 1: self = .cuda(Int(index))
        default: fatalError("tensor on a device of an unknown type \(type)")
        }
    }
}

extension Device: CustomStringConvertible {
    public var description: String {
        switch self {
        case .cpu: "cpu"
        case .cuda(let index): "cuda:\(index)"
        }
    }
}

/// How four dimensions lie in memory; raw values are libtorch's.
public enum MemoryFormat: Int32, Sendable {
    /// N, C, H, W from slow to fast.
    case contiguous = 0
    /// As the source.
    case preserve = 1
    /// N, H, W, C from slow to fast, under the shape [N, C, H, W].
    case channelsLast = 2
}

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

/// The numbers that convolutions and matrix products are computed in; weights and losses are always float32.
public enum Precision: String, Sendable, CaseIterable {
    /// bfloat16 where the device is faster with it, else float32.
    case auto
    case fp32
    case bf16

    /// What `auto` means on a device.
    public func resolved(for device: Device) -> Precision {
        guard self == .auto else { return self }
        return switch device {
        case .cpu: CPUFeatures.current.hasFastBFloat16 ? .bf16 : .fp32
        case .cuda: .bf16
        }
    }

    /// The type for autocast; nil for none.
    public var autocast: DType? { self == .bf16 ? .bfloat16 : nil }
}
