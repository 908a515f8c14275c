import ArgumentParser
import Console
import Foundation
import Torch

/// `facegan measure layers`: each convolution of DCGAN-64 beside what the processor could do; for `make bench`.
struct MeasureLayers: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "layers",
        abstract: "Measure convolutions, forward and backward, with fast and plain kernels.",
        discussion: """
            Examples:
              facegan measure layers
              facegan measure layers --batch 64 --precision fp32
            """)

    @Option(help: "Pictures at once.")
    var batch = 128

    @Option(help: "fp32, bf16 or auto.")
    var precision: Precision = .auto

    @Option(help: "Measurements of each; the middle one counts.")
    var times = 9

    @OptionGroup var place: DeviceOptions

    /// A convolution of [batch, inputs, side, side].
    private struct Shape {
        let name: String
        let inputs, outputs, side, kernel, stride, padding: Int
        var isTransposed = false

        var outputSide: Int {
            isTransposed
                ? (side - 1) * stride - 2 * padding + kernel : (side + 2 * padding - kernel) / stride + 1
        }
        /// Of one picture, forward, a multiplication and an addition counted as two.
        var operations: Int {
            let small = isTransposed ? side : outputSide
            return 2 * inputs * outputs * kernel * kernel * small * small
        }
    }

    private static let shapes: [Shape] =
        [(3, 64, 64), (64, 128, 32), (128, 256, 16), (256, 512, 8)].map {
            Shape(
                name: "D \($0)->\($1) @\($2)", inputs: $0, outputs: $1, side: $2, kernel: 4, stride: 2,
                padding: 1)
        }
        + [(512, 256, 4), (256, 128, 8), (128, 64, 16), (64, 3, 32)].map {
            Shape(
                name: "G \($0)->\($1) @\($2)", inputs: $0, outputs: $1, side: $2, kernel: 4, stride: 2,
                padding: 1, isTransposed: true)
        }
        + [(128, 32), (256, 16), (512, 8)].map {
            Shape(
                name: "3x3 \($0)->\($0) @\($1)", inputs: $0, outputs: $0, side: $1, kernel: 3, stride: 1,
                padding: 1)
        }

    func validate() throws {
        guard batch > 0, times > 0 else { throw ValidationError("--batch and --times: expected 1 or more.") }
    }

    func run() throws {
        let device = try place.prepare()
        let precision = precision.resolved(for: device)
        let dtype: DType = precision.autocast ?? .float32
        var layers: [[String: Any]] = []
        for shape in Self.shapes { layers.append(measure(shape, dtype, device)) }
        let report: [String: Any] = [
            "precision": precision.rawValue, "batch": batch, "threads": Engine.threadCount,
            "productPerSecond": product(dtype, device), "copyBytesPerSecond": copy(device), "layers": layers,
        ]
        let json = try JSONSerialization.data(withJSONObject: report, options: [.sortedKeys])
        ConsoleOutput.standardOutput.writeLine(String(decoding: json, as: UTF8.self))
    }

    /// Seconds of the middle run.
    private func middle(_ device: Device, _ body: () -> Void) -> Double {
        var seconds: [Double] = []
        for turn in 0..<(times + 2) {
            let start = ProcessInfo.processInfo.systemUptime
            body()
            Engine.synchronize(device)
            if turn >= 2 { seconds.append(ProcessInfo.processInfo.systemUptime - start) }
        }
        return seconds.sorted()[seconds.count / 2]
    }

    /// Operations per second of a square matrix product.
    private func product(_ dtype: DType, _ device: Device) -> Double {
        let random = RandomSource(seed: 1)
        let side = 2048
        let a = Tensor.normal([side, side], random: random).to(device).to(dtype)
        return 2 * Double(side * side * side) / middle(device) { _ = a.matmul(a) }
    }

    /// Bytes read and written per second by a copy that no cache holds.
    private func copy(_ device: Device) -> Double {
        let a = Tensor.zeros([1 << 26], on: device)
        let b = Tensor.zeros(like: a)
        return 2 * 4 * Double(1 << 26) / middle(device) { b.copy_(a) }
    }

    private func measure(_ shape: Shape, _ dtype: DType, _ device: Device) -> [String: Any] {
        let random = RandomSource(seed: 2)
        let input = Tensor.normal([batch, shape.inputs, shape.side, shape.side], random: random)
            .to(device).to(dtype).to(.channelsLast).requiringGradient()
        let ends = shape.isTransposed ? [shape.inputs, shape.outputs] : [shape.outputs, shape.inputs]
        let weight = Tensor.normal(ends + [shape.kernel, shape.kernel], random: random)
            .to(device).to(.channelsLast).requiringGradient()
        let autocast: DType? = dtype == .bfloat16 ? dtype : nil
        func forward() -> Tensor {
            withAutocast(autocast, on: device) {
                shape.isTransposed
                    ? input.convTranspose2d(
                        weight: weight, bias: nil, stride: shape.stride, padding: shape.padding)
                    : input.conv2d(
                        weight: weight, bias: nil, stride: shape.stride, padding: shape.padding)
            }
        }
        var found: [String: Any] = ["name": shape.name, "operations": shape.operations * batch]
        let outputCount = batch * shape.outputs * shape.outputSide * shape.outputSide
        found["bytes"] = (input.count + outputCount + weight.count) * dtype.byteCount
        for kernels in Kernels.allCases {
            withKernels(kernels) {
                let output = forward()
                let seed = Tensor.ones(like: output.detached())
                found["\(kernels.rawValue)Forward"] = middle(device) { withoutGradients { _ = forward() } }
                found["\(kernels.rawValue)Input"] = middle(device) {
                    _ = gradients(of: [output], wrt: [input], seeds: [seed], retainGraph: true)
                }
                found["\(kernels.rawValue)Weight"] = middle(device) {
                    _ = gradients(of: [output], wrt: [weight], seeds: [seed], retainGraph: true)
                }
            }
        }
        return found
    }
}
