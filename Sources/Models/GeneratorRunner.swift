import Synchronization
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

}

extension GeneratorRunner.Batch {
    /// The rows of the batch, padded to its size with copies of the first one.
    fileprivate func parts<Input>(_ input: (Range<Int>) -> Input) -> [Input] {
        let first = input(rows.lowerBound..<rows.lowerBound + 1)
        return [input(rows)] + Array(repeating: first, count: size - rows.count)
    }

    fileprivate func of(_ latents: Latents) -> Latents { .concatenated(parts { latents[$0] }) }

    fileprivate func of(_ w: Tensor) -> Tensor { .concatenated(parts { w[$0] }) }
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
    /// Options of a style generator.
    public let options: SynthesisOptions
    private let generator: any Generator
    private let network: (Latents, NoiseInput) -> Tensor
    private let synthesis: ((Tensor, NoiseInput) -> Tensor)?
    private let device: Device
    /// Recorded batches on CUDA, by their size.
    private let recordings: BatchRecordings?

    /// Largest batch size. Larger batches are not faster (`make bench`).
    public static let batchSize = 64

    /// Creates a runner with the current weights of a generator.
    /// - Parameters:
    ///   - generator: network on any device.
    ///   - precision: precision of the computation; `.auto` is resolved for the device.
    ///   - options: truncation and noise of a style generator.
    public init(
        _ generator: any Generator, precision: Precision = .fp32, options: SynthesisOptions = .init()
    ) {
        self.generator = generator
        (resolution, device) = (generator.resolution, generator.device)
        recordings = device == .cpu ? nil : BatchRecordings(on: device)
        self.precision = precision.resolved(for: device)
        self.options = options
        let isPlain = Kernels.isPlain || device != .cpu
        if let style = generator as? any StyleGenerator {
            let synthesis = isPlain ? { style.synthesize($0, noise: $1) } : style.foldedSynthesis()
            self.synthesis = synthesis
            network = { latents, noise in
                synthesis(Self.truncated(style, latents, options), noise)
            }
        } else {
            synthesis = nil
            network = isPlain ? { generator($0, noise: $1) } : generator.folded()
        }
    }

    /// Truncated w+ [N, L, W] of latents. Few rows are padded, because a matrix product of few rows has other last bits.
    private static func truncated(
        _ style: any StyleGenerator, _ latents: Latents, _ options: SynthesisOptions
    ) -> Tensor {
        let count = latents.count
        let padded =
            count >= 4
            ? latents : .concatenated([latents] + Array(repeating: latents[0..<1], count: 4 - count))
        return style.truncated(style.map(padded), psi: options.psi, cutoff: options.cutoff)[0..<count]
    }

    /// Batch sizes that compute a row with the same bits, in descending order.
    ///
    /// On a processor with AVX2 and without AVX-512, libtorch computes rows alike in batches of 4 or more. It computes a
    /// single row of a linear layer as a matrix-vector product, and a convolution of one small map by another algorithm,
    /// which changes last bits. The fast kernels of a DCGAN in fp32 compute a single row like many. On other processors
    /// the sizes are measured once for each kind of network.
    private func sizes(for input: GeneratorInput) -> [Int] {
        guard device == .cpu else { return [Self.batchSize] }
        let flags = CPUFeatures.current.flags
        if flags.contains("avx2"), !flags.contains("avx512f") {
            let isAlike =
                generator is DCGANGenerator || (generator as? any StyleGenerator)?.computesSingleRows == true
            return isAlike && !Kernels.isPlain && precision == .fp32 ? [64, 16, 4, 1] : [64, 16, 4]
        }
        let weights = generator.parameters.reduce(0) { $0 + $1.parameter.value.count }
        let key = "\(type(of: generator)) \(resolution) \(weights) \(precision) \(Kernels.isPlain)"
        return Self.measuredSizes.withLock { measured in
            if let sizes = measured[key] { return sizes }
            let sizes = measureSizes(input)
            measured[key] = sizes
            return sizes
        }
    }

    private static let measuredSizes = Mutex<[String: [Int]]>([:])

    /// Batch sizes that compute the first row of the input with the same bits as the largest one.
    package func measureSizes(_ input: GeneratorInput) -> [Int] {
        func bytes(_ size: Int) -> [UInt8] {
            run(input, Batch(rows: 0..<1, size: size)) { $0.to(.float32).contiguous().bytes() }
        }
        let expected = bytes(Self.batchSize)
        return [Self.batchSize] + [16, 4, 1].filter { bytes($0) == expected }
    }

    /// Batches that cover the rows of an input with few computed rows.
    ///
    /// On the CPU, batches have 64, 16, 4 or 1 rows, if the processor computes a row with the same bits in them; on other
    /// devices, 64 rows. A batch is padded if at most a quarter of it is missing, or if there is no smaller size.
    /// - Parameters:
    ///   - input: N rows.
    ///   - limit: upper limit of the batch size. The smallest size is used for a lower limit.
    public func batches(of input: GeneratorInput, upTo limit: Int = batchSize) -> [Batch] {
        let count = input.count
        guard count > 0 else { return [] }
        // Whole batches need no other size, so the sizes are not measured for them.
        let isWhole = limit >= Self.batchSize && count.isMultiple(of: Self.batchSize)
        let known = isWhole ? [Self.batchSize] : sizes(for: input)
        let allowed = known.filter { $0 <= limit }
        let sizes = allowed.isEmpty ? [known[known.count - 1]] : allowed
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
    /// - Parameters:
    ///   - latents: z [N, Z] and labels [N, K].
    ///   - batchSize: upper limit of the rows that are computed at once. Bounds the memory.
    public func pixels(_ latents: Latents, batchSize: Int = GeneratorRunner.batchSize) -> [[UInt8]] {
        let input = GeneratorInput.latents(latents)
        return batches(of: input, upTo: batchSize).flatMap { pixels(input, $0) }
    }

    /// Pictures of the rows of one batch as host pixels.
    public func pixels(_ input: GeneratorInput, _ batch: Batch) -> [[UInt8]] {
        func pictures(_ flat: [UInt8]) -> [[UInt8]] {
            let size = resolution * resolution * 3
            return (0..<batch.rows.count).map { Array(flat[($0 * size)..<(($0 + 1) * size)]) }
        }
        // Random noise has a stream for each row, which a recording cannot follow.
        if case .latents(let latents) = input, let recordings, options.noise != .random {
            let noise = options.noise == .none ? NoiseInput.none : .constant
            let recorded = recordings.pixels(batch.of(latents)) { given in
                inference { generator.fullSize(network(given, noise)).pixels() }
            }
            return pictures(recorded.bytes())
        }
        return run(input, batch) { pictures($0.pixels().bytes()) }
    }

    /// Pictures [N, 3, resolution, resolution] in -1...1, float32.
    /// - Parameters:
    ///   - latents: z [N, Z] and labels [N, K].
    ///   - batchSize: upper limit of the rows that are computed at once. Bounds the memory.
    public func images(_ latents: Latents, batchSize: Int = GeneratorRunner.batchSize) -> Tensor {
        let input = GeneratorInput.latents(latents)
        return .concatenated(
            batches(of: input, upTo: batchSize).map { batch in
                run(input, batch) { $0.to(.float32) }
            })
    }

    /// Intermediate latents of a style generator: w+ [N, L, W], float32, on the CPU.
    ///
    /// Rows are computed in the same batches as pictures, so that `pixels` gives the same picture for z and for its w+.
    public func wPlus(_ latents: Latents) -> Tensor {
        let style = styleGenerator
        return .concatenated(
            batches(of: .latents(latents)).map { batch in
                inference { Self.truncated(style, batch.of(latents).to(device), options) }[
                    0..<batch.rows.count
                ]
                .to(.float32).contiguous().to(.cpu)
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
            switch input {
            case .latents(let latents):
                let rows = batch.of(latents)
                return network(rows.to(device), noise(of: rows.z))
            case .w(let w):
                guard let synthesis else {
                    preconditionFailure(
                        "GeneratorRunner: expected a style generator for w, got \(type(of: generator))")
                }
                let rows = batch.of(w)
                return synthesis(rows.to(device), noise(of: rows))
            }
        }
        return withoutGradients { body(generator.fullSize(images[0..<batch.rows.count])) }
    }

    /// Noise of rows [N, ...]. The stream of a row depends on its latents only.
    private func noise(of rows: Tensor) -> NoiseInput {
        switch options.noise {
        case .const: .constant
        case .none: .none
        case .random:
            .streams(
                (0..<rows.shape[0]).map { row in
                    RandomSource(
                        seed: RandomSource.seed(
                            from: rows.select(0, row).to(.float32).contiguous().to(.cpu).bytes()))
                })
        }
    }

    /// Result of a network in inference mode, without gradients, in `precision`.
    private func inference(_ body: () -> Tensor) -> Tensor {
        let wasTraining = generator.isTraining
        generator.train(false)
        defer { generator.train(wasTraining) }
        return withoutGradients { withAutocast(precision.autocast, on: device, body) }
    }
}

/// Batches of a generator on CUDA, recorded as graphs, one for each batch size.
private final class BatchRecordings {
    private let device: Device
    private let recorder: GraphRecorder
    private var places: [Int: Place] = [:]

    /// Input and result of the batches of one size.
    private final class Place {
        let input: Latents
        var output: Tensor?

        init(like latents: Latents, on device: Device) {
            input = Latents(
                Tensor.zeros(latents.z.shape, on: device),
                labels: latents.labels.map { Tensor.zeros($0.shape, on: device) })
        }
    }

    init(on device: Device) {
        self.device = device
        recorder = GraphRecorder(on: device)
    }

    /// Result of `body` for latents on the host, z [N, Z] and labels [N, K].
    func pixels(_ latents: Latents, _ body: (Latents) -> Tensor) -> Tensor {
        let place = places[latents.count] ?? Place(like: latents, on: device)
        places[latents.count] = place
        withoutGradients {
            place.input.z.copy_(latents.z)
            if let labels = latents.labels { place.input.labels?.copy_(labels) }
        }
        recorder.run([latents.count]) { place.output = body(place.input) }
        return place.output!
    }
}
