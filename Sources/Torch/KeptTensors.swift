/// Constant tensors that are made once per device and type.
///
/// Making one copies it from the host, which the recording of a CUDA graph does not permit. The first call of an operation
/// makes its constants.
package final class KeptTensors {
    private struct Key: Hashable {
        let name: String
        let size: Int
        let device: Device
        let dtype: DType
    }

    private var kept: [Key: Tensor] = [:]

    package init() {}

    /// The constant of a name and size on a device.
    /// - Parameters:
    ///   - name: name of the constant.
    ///   - size: size of the pictures that the constant depends on, in pixels; 0 for none.
    ///   - device: device of the result.
    ///   - dtype: type of the result.
    ///   - make: makes the tensor on the CPU in any type.
    package func callAsFunction(
        _ name: String, _ size: Int = 0, on device: Device, _ dtype: DType = .float64, make: () -> Tensor
    ) -> Tensor {
        let key = Key(name: name, size: size, device: device, dtype: dtype)
        if let tensor = kept[key] { return tensor }
        let tensor = make().to(device, dtype)
        // Out of memory: the next call makes it again.
        if !tensor.isPoisoned { kept[key] = tensor }
        return tensor
    }
}
