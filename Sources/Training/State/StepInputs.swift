import Datasets
import Torch

/// Real pictures and labels of the batches of a step, on the device.
///
/// For recorded steps, they are in tensors that stay in place, and the host does not wait for the copies.
final class StepInputs {
    /// Pictures that are on the device already; nil if batches bring their pixels.
    var resident: ResidentPictures?
    private let device: Device
    private var places: [Place] = []

    /// Tensors of one batch.
    private struct Place {
        /// Pixels UInt8 [N, R, R, 3] or, with resident pictures, their rows and whether they are mirrored, Int64 [2, N].
        let pictures: StagedTensor
        /// Float [N, K]; nil without labels.
        let labels: StagedTensor?
    }

    init(on device: Device) { self.device = device }

    /// Copies batches to their places. The host waits only if it is many steps ahead.
    func load(_ batches: [ImageBatch], _ columns: (asked: [Int], width: Int)) {
        let shape = shape(of: batches[0])
        if places.count != batches.count || places[0].pictures.tensor.shape != shape {
            places = batches.map { batch in
                let labels = columns.asked.count
                return Place(
                    pictures: StagedTensor(shape, dtype: resident == nil ? .uint8 : .int64, on: device),
                    labels: labels > 0
                        ? StagedTensor([batch.count, labels], dtype: .float32, on: device) : nil)
            }
        }
        for (batch, place) in zip(batches, places) {
            if resident == nil {
                batch.pixels.withUnsafeBytes { place.pictures.write($0) }
            } else {
                Self.rows(of: batch).withUnsafeBytes { place.pictures.write($0) }
            }
            if let labels = place.labels {
                batch.labelValues(columns).withUnsafeBytes { labels.write($0) }
            }
        }
    }

    /// Pictures [N, 3, R, R] in -1...1 and labels [N, K] of a loaded batch.
    subscript(index: Int) -> (pictures: Tensor, labels: Tensor?) {
        let place = places[index]
        return (pictures(place.pictures.tensor), place.labels?.tensor)
    }

    /// Pictures [N, 3, R, R] in -1...1 and labels [N, K] of a batch, in tensors of their own.
    func tensors(
        of batch: ImageBatch, _ columns: (asked: [Int], width: Int)
    ) -> (pictures: Tensor, labels: Tensor?) {
        let shape = shape(of: batch)
        let given =
            resident == nil
            ? Tensor(bytes: batch.pixels, shape: shape, dtype: .uint8)
            : Tensor(Self.rows(of: batch), shape: shape)
        let labels = columns.asked.isEmpty ? nil : batch.labels(columns, on: device)
        return (pictures(given.to(device)), labels)
    }

    /// Pictures [N, 3, R, R] in -1...1 of pixels or rows in the form of `Place`.
    private func pictures(_ given: Tensor) -> Tensor {
        resident.map { $0[given.select(0, 0), mirrored: given.select(0, 1)] } ?? Tensor.pictures(given)
    }

    /// Rows of resident pictures, then 1 for each mirrored one.
    private static func rows(of batch: ImageBatch) -> [Int] {
        batch.indices + batch.mirrored.map { $0 ? 1 : 0 }
    }

    private func shape(of batch: ImageBatch) -> [Int] {
        resident == nil ? [batch.count, batch.height, batch.width, 3] : [2, batch.count]
    }
}

/// Pictures of a store in the memory of a device.
package final class ResidentPictures {
    /// UInt8 [N, R, R, 3].
    private let pixels: Tensor

    /// Number of pictures that are copied at once.
    private static let chunk = 4096

    /// Copies all pictures of a store to a device.
    package init(of store: FaceStore, on device: Device) {
        let side = store.size
        pixels = Tensor.zeros([store.count, side, side, 3], dtype: .uint8, on: device)
        for start in stride(from: 0, to: store.count, by: Self.chunk) {
            let rows = start..<min(store.count, start + Self.chunk)
            let part = Tensor(
                bytes: store.pixels(of: Array(rows)), shape: [rows.count, side, side, 3], dtype: .uint8)
            withoutGradients { pixels[rows].copy_(part.to(device)) }
        }
    }

    /// Pictures [N, 3, R, R] in -1...1 of rows [N], mirrored where `mirrored` [N] is not 0.
    package subscript(rows: Tensor, mirrored mirrored: Tensor) -> Tensor {
        let chosen = pixels.indexSelect(0, rows)
        let mask = mirrored.notEqual(to: 0).reshape([rows.count, 1, 1, 1])
        return Tensor.pictures(chosen.flipped([2]).where(mask, else: chosen))
    }
}

/// Random streams of a trainer. On the CPU each is a generator of its own; on CUDA all are the generator of the device.
struct RandomStreams {
    private var seed: UInt64
    private let shared: RandomSource?

    /// Creates streams from a seed. On CUDA it seeds the generator of the device.
    init(seed: UInt64, on device: Device) {
        self.seed = seed
        shared = device == .cpu ? nil : RandomSource(seed: seed, on: device)
    }

    /// The next stream.
    mutating func next() -> RandomSource {
        seed &+= 1
        return shared ?? RandomSource(seed: seed)
    }
}
