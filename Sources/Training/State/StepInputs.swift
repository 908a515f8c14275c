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
        /// UInt8 [N, R, R, 3]; nil with resident pictures.
        let pixels: Tensor?
        /// Rows of resident pictures and whether they are mirrored, Int64 [2, N]; nil without.
        let rows: Tensor?
        /// Float [N, K]; nil without labels.
        let labels: Tensor?
        let pixelStaging, rowStaging, labelStaging: PinnedBuffer?
    }

    init(on device: Device) { self.device = device }

    /// Copies batches to their places. The host waits only if it is many steps ahead.
    func load(_ batches: [ImageBatch], _ columns: (asked: [Int], width: Int)) {
        let first = batches[0]
        if places.count != batches.count || shape(of: places[0]) != shape(of: first) {
            places = batches.map { _ in place(for: first, labels: columns.asked.count) }
        }
        for (batch, place) in zip(batches, places) {
            if let rows = place.rows {
                let numbers = batch.indices.map(Int64.init) + batch.mirrored.map { $0 ? 1 : 0 }
                numbers.withUnsafeBytes { place.rowStaging!.upload($0, to: rows) }
            } else {
                batch.pixels.withUnsafeBytes { place.pixelStaging!.upload($0, to: place.pixels!) }
            }
            if let labels = place.labels {
                batch.labelValues(columns).withUnsafeBytes { place.labelStaging!.upload($0, to: labels) }
            }
        }
    }

    /// Pictures [N, 3, R, R] in -1...1 and labels [N, K] of a loaded batch.
    subscript(index: Int) -> (pictures: Tensor, labels: Tensor?) {
        let place = places[index]
        let pictures =
            place.rows.map { resident![$0.select(0, 0), mirrored: $0.select(0, 1)] }
            ?? Tensor.pictures(place.pixels!)
        return (pictures, place.labels)
    }

    /// Pictures [N, 3, R, R] in -1...1 and labels [N, K] of a batch, in tensors of their own.
    func tensors(
        of batch: ImageBatch, _ columns: (asked: [Int], width: Int), on device: Device
    ) -> (pictures: Tensor, labels: Tensor?) {
        let labels = columns.asked.isEmpty ? nil : batch.labels(columns, on: device)
        guard let resident else {
            return (Tensor.pictures(batch.pixels, count: batch.count, side: batch.height, on: device), labels)
        }
        let mirrored = Tensor(batch.mirrored.map { $0 ? 1 : 0 }).to(device)
        return (resident[Tensor(batch.indices).to(device), mirrored: mirrored], labels)
    }

    private func place(for batch: ImageBatch, labels count: Int) -> Place {
        func buffer(_ shape: [Int], _ dtype: DType) -> (Tensor, PinnedBuffer) {
            (Tensor.zeros(shape, dtype: dtype, on: device), PinnedBuffer(shape, dtype: dtype, for: device))
        }
        let labels = count > 0 ? buffer([batch.count, count], .float32) : nil
        let pixels = resident == nil ? buffer(shape(of: batch), .uint8) : nil
        let rows = resident == nil ? nil : buffer(shape(of: batch), .int64)
        return Place(
            pixels: pixels?.0, rows: rows?.0, labels: labels?.0, pixelStaging: pixels?.1, rowStaging: rows?.1,
            labelStaging: labels?.1)
    }

    private func shape(of place: Place) -> [Int] { (place.rows ?? place.pixels!).shape }

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
    private let seed: UInt64
    private let device: Device
    private let shared: RandomSource?
    private let counter = Counter()

    private final class Counter { var value: UInt64 = 0 }

    /// Creates streams from a seed. On CUDA it seeds the generator of the device.
    init(seed: UInt64, on device: Device) {
        (self.seed, self.device) = (seed, device)
        shared = device == .cpu ? nil : RandomSource(seed: seed, on: device)
    }

    /// The next stream.
    func next() -> RandomSource {
        counter.value += 1
        return shared ?? RandomSource(seed: seed &+ counter.value)
    }
}
