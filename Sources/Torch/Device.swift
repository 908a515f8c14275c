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
