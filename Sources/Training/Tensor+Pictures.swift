import Datasets
import Evaluation
import Torch

extension Tensor {
    /// Samples of a store on a device: [N, 3, H, H] in -1...1, channels last in memory.
    static func pictures(of store: FaceStore, _ indices: [Int], on device: Device) -> Tensor {
        let bytes = store.sampleByteCount
        let pixels = [UInt8](unsafeUninitializedCapacity: bytes * indices.count) { buffer, written in
            for (row, index) in indices.enumerated() {
                store.copyImage(index, into: buffer.baseAddress! + row * bytes)
            }
            written = bytes * indices.count
        }
        return pictures(pixels, count: indices.count, side: store.size, on: device)
    }
}
