import Foundation

/// Device that holds the elements of a tensor and computes on them.
public enum Device: Hashable, Sendable {
    /// Main memory and the CPU.
    case cpu
    /// The CUDA device with the given index, from 0.
    case cuda(Int)

    /// libtorch's `DeviceType`.
    var type: Int32 { self == .cpu ? 0 : 1 }
    /// libtorch's device index; -1 for the CPU.
    var index: Int32 {
        switch self {
        case .cpu: -1
        case .cuda(let index): Int32(index)
        }
    }

    /// The device with libtorch's type and index.
    init(type: Int32, index: Int32) {
        switch type {
        case 0: self = .cpu
        case 1: self = .cuda(Int(index))
        default: fatalError("tensor on a device of an unknown type \(type)")
        }
    }
}

extension Device: CustomStringConvertible {
    /// Name of the device as PyTorch writes it: "cpu" or "cuda:0".
    public var description: String {
        switch self {
        case .cpu: "cpu"
        case .cuda(let index): "cuda:\(index)"
        }
    }
}

/// Order of the elements of a tensor [N, C, H, W] in memory. Raw values are those of libtorch's `MemoryFormat`.
public enum MemoryFormat: Int32, Sendable {
    /// Order N, C, H, W, with W contiguous.
    case contiguous = 0
    /// Order of the source tensor.
    case preserve = 1
    /// Order N, H, W, C, with C contiguous; the shape stays [N, C, H, W].
    case channelsLast = 2
}

/// Processor name and instruction-set flags, as the operating system reports them.
public struct CPUFeatures: Sendable {
    /// Model name of the processor; empty if unknown.
    public let name: String
    /// Instruction-set flags, such as "avx512_bf16" and "amx_tile".
    public let flags: Set<String>

    /// Features of this machine; empty where the system has no /proc/cpuinfo.
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

    /// Whether this machine computes matrix products in bfloat16 faster than in float32.
    public var hasFastBFloat16: Bool {
        !flags.isDisjoint(with: ["avx512_bf16", "amx_bf16", "bf16"])
            && !Self.isLimited(ProcessInfo.processInfo.environment)
    }

    /// Whether the environment limits oneDNN to instruction sets without bfloat16.
    static func isLimited(_ environment: [String: String]) -> Bool {
        let limit = environment["ONEDNN_MAX_CPU_ISA"] ?? environment["DNNL_MAX_CPU_ISA"] ?? ""
        let without = [
            "SSE41", "AVX", "AVX2", "AVX2_VNNI", "AVX2_VNNI_2", "AVX512_CORE", "AVX512_CORE_VNNI",
        ]
        return without.contains(limit.uppercased())
    }
}

/// Precision of convolutions and matrix products. Weights and losses are always float32.
public enum Precision: String, Sendable, CaseIterable {
    /// bfloat16 if the device computes faster in it, otherwise float32.
    case auto
    /// float32.
    case fp32
    /// bfloat16 by autocast.
    case bf16

    /// Resolves `auto` for a device; other values are returned unchanged.
    public func resolved(for device: Device) -> Precision {
        guard self == .auto else { return self }
        return switch device {
        case .cpu: CPUFeatures.current.hasFastBFloat16 ? .bf16 : .fp32
        case .cuda: .bf16
        }
    }

    /// Dtype for `withAutocast`; nil if autocast is not used.
    public var autocast: DType? { self == .bf16 ? .bfloat16 : nil }
}

/// Element type of a tensor. Raw values are those of libtorch's `ScalarType`.
public enum DType: Int32, Sendable, CaseIterable {
    /// Unsigned 8-bit integer, 0...255.
    case uint8 = 0
    /// Signed 8-bit integer.
    case int8 = 1
    /// Signed 16-bit integer.
    case int16 = 2
    /// Signed 32-bit integer.
    case int32 = 3
    /// Signed 64-bit integer; the type of indices.
    case int64 = 4
    /// IEEE half precision: 5 bits of exponent, 10 of mantissa.
    case float16 = 5
    /// IEEE single precision; the type of weights and losses.
    case float32 = 6
    /// IEEE double precision.
    case float64 = 7
    /// Truth value, one byte that is 0 or 1.
    case bool = 11
    /// Brain floating point: 8 bits of exponent, 7 of mantissa.
    case bfloat16 = 15

    /// Size of one element in bytes.
    public var byteCount: Int {
        switch self {
        case .uint8, .int8, .bool: 1
        case .int16, .float16, .bfloat16: 2
        case .int32, .float32: 4
        case .int64, .float64: 8
        }
    }

    /// Whether this is a floating-point type. Only these types support gradients.
    public var isFloatingPoint: Bool {
        switch self {
        case .float16, .float32, .float64, .bfloat16: true
        default: false
        }
    }
}

extension DType: CustomStringConvertible {
    /// Name of the type as libtorch prints it, such as "Float" for float32.
    public var description: String {
        switch self {
        case .uint8: "UInt8"
        case .int8: "Int8"
        case .int16: "Int16"
        case .int32: "Int32"
        case .int64: "Int64"
        case .float16: "Half"
        case .float32: "Float"
        case .float64: "Double"
        case .bool: "Bool"
        case .bfloat16: "BFloat16"
        }
    }
}
