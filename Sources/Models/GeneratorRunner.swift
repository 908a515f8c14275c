import Torch
import TorchNN

/// Rows of input for inference with a generator.
public enum GeneratorInput {
    /// Input of any generator.
    case latents(Latents)
    /// Intermediate latents of a style generator: w+ [N, L, W].
    case w(Tensor)

    /// Number of rows N.
    public var count: Int {
        switch self {
        case .latents(let latents): latents.count
        case .w(let w): w.shape[0]
        }
    }

    /// Rows of a range, filled up to `size` rows with copies of the first one.
    fileprivate func rows(_ range: Range<Int>, filledTo size: Int) -> GeneratorInput {
        let (first, missing) = (range.lowerBound..<range.lowerBound + 1, size - range.count)
        switch self {
        case .latents(let latents):
            let filling = Array(repeating: latents[first], count: missing)
            return .latents(.concatenated([latents[range]] + filling))
        case .w(let w): return .w(.concatenated([w[range]] + Array(repeating: w[first], count: missing)))
        }
    }
}

/// A generator in inference: folded, without gradients, in one precision. Has the weights of the moment of its creation.
///
/// A picture does not depend on the other pictures of its batch, nor on the number of rows of the batch.
public final class GeneratorRunner {
    /// Rows of input, and the number of rows that the network computes for them.
    public struct Batch: Sendable, Equatable {
        /// Rows of the input.
        public let rows: Range<Int>
        /// `rows.count` or more; the missing rows are filled up and discarded.
        public let size: Int
    }

    /// Never `.auto`.
    public let precision: Precision
    /// Side of the pictures, in pixels.
    public let resolution: Int
    private let generator: any Generator
    private let network: (Latents, NoiseInput) -> Tensor
    private let device: Device

    /// Largest batch size. Larger batches are not faster (`make bench`).
    public static let batchSize = 64

    /// Batch sizes that compute a row with the same bits, in descending order.
    ///
    /// On the CPU, libtorch computes rows alike in batches of 4 or more. It computes a single row of a linear layer as a
    /// matrix-vector product, and a convolution of one small map by another algorithm, which changes last bits. The fast
    /// kernels of a DCGAN in fp32 compute a single row like many; all other generators compute 4 rows for one.
    private let sizes: [Int]

    public init(_ generator: any Generator, precision: Precision = .fp32) {
        self.generator = generator
        (resolution, device) = (generator.resolution, generator.device)
        self.precision = precision.resolved(for: device)
        let computesSingleRows = generator is DCGANGenerator && !Kernels.isPlain && self.precision == .fp32
        sizes = device != .cpu ? [Self.batchSize] : computesSingleRows ? [64, 16, 4, 1] : [64, 16, 4]
        network = Kernels.isPlain || device != .cpu ? { generator($0, noise: $1) } : generator.folded()
    }

    /// Batches that cover `count` rows with few computed rows.
    ///
    /// On the CPU, batches have 64, 16, 4 or, for a DCGAN in fp32, 1 row; on other devices, 64 rows. A batch is filled up if at
    /// most a quarter of it is missing, or if there is no smaller size.
    /// - Parameter limit: upper limit of the batch size. The smallest size is used for a lower limit.
    public func batches(_ count: Int, upTo limit: Int = batchSize) -> [Batch] {
        let allowed = sizes.filter { $0 <= limit }
        let sizes = allowed.isEmpty ? [sizes[sizes.count - 1]] : allowed
        var batches: [Batch] = []
        var start = 0
        while start < count {
            let missing = count - start
            // The smallest size that is used to three quarters or more, else the largest that is filled, else the smallest.
            let size =
                sizes.last { $0 >= missing && 4 * missing >= 3 * $0 }
                ?? sizes.first { $0 <= missing } ?? sizes[sizes.count - 1]
            let end = min(count, start + size)
            batches.append(Batch(rows: start..<end, size: size))
            start = end
        }
        return batches
    }

    /// Pictures as host pixels: resolution x resolution x 3 bytes each, row by row.
    /// - Parameter batchSize: upper limit of the rows that are computed at once. Bounds the memory.
    public func pixels(_ latents: Latents, batchSize: Int = GeneratorRunner.batchSize) -> [[UInt8]] {
        let input = GeneratorInput.latents(latents)
        return batches(input.count, upTo: batchSize).flatMap { pixels(input, $0) }
    }

    /// Pictures of the rows of one batch as host pixels.
    public func pixels(_ input: GeneratorInput, _ batch: Batch) -> [[UInt8]] {
        run(input, batch) { images in
            let flat = images.pixels().bytes()
            let size = flat.count / batch.rows.count
            return stride(from: 0, to: flat.count, by: size).map { Array(flat[$0..<($0 + size)]) }
        }
    }

    /// Pictures [N, 3, resolution, resolution] in -1...1, float32.
    /// - Parameter batchSize: upper limit of the rows that are computed at once. Bounds the memory.
    public func images(_ latents: Latents, batchSize: Int = GeneratorRunner.batchSize) -> Tensor {
        let input = GeneratorInput.latents(latents)
        return .concatenated(
            batches(input.count, upTo: batchSize).map { batch in
                run(input, batch) { $0.to(.float32) }
            })
    }

    /// Intermediate latents of a style generator: w+ [N, L, W], float32, on the CPU.
    ///
    /// Rows are computed in the same batches as pictures, so that `pixels` gives the same picture for z and for its w+.
    public func wPlus(_ latents: Latents) -> Tensor {
        let style = styleGenerator
        let input = GeneratorInput.latents(latents)
        return .concatenated(
            batches(input.count).map { batch in
                inference {
                    guard case .latents(let rows) = input.rows(batch.rows, filledTo: batch.size) else {
                        preconditionFailure("GeneratorRunner: expected rows of latents")
                    }
                    return style.map(rows.to(device))
                }[0..<batch.rows.count].to(.float32).contiguous().to(.cpu)
            })
    }

    private var styleGenerator: any StyleGenerator {
        guard let style = generator as? any StyleGenerator else {
            preconditionFailure(
                "GeneratorRunner: expected a style generator for w, got \(type(of: generator))")
        }
        return style
    }

    private func run<Result>(_ input: GeneratorInput, _ batch: Batch, _ body: (Tensor) -> Result) -> Result {
        let images = inference {
            switch input.rows(batch.rows, filledTo: batch.size) {
            case .latents(let latents): network(latents.to(device), .constant)
            case .w(let w): styleGenerator.synthesize(w.to(device), noise: .constant)
            }
        }
        return withoutGradients { body(generator.fullSize(images[0..<batch.rows.count])) }
    }

    /// Result of a network in inference mode, without gradients, in `precision`.
    private func inference(_ body: () -> Tensor) -> Tensor {
        let wasTraining = generator.isTraining
        generator.train(false)
        defer { generator.train(wasTraining) }
        return withoutGradients { withAutocast(precision.autocast, on: device, body) }
    }
}
