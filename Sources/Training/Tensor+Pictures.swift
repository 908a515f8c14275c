import Datasets
import Evaluation
import Torch

extension Tensor {
    /// Samples of a store on a device: [N, 3, H, H] in -1...1, channels last in memory.
    static func pictures(of store: FaceStore, _ indices: [Int], on device: Device) -> Tensor {
        pictures(store.pixels(of: indices), count: indices.count, side: store.size, on: device)
    }
}
