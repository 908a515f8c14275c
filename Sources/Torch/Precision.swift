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
