import Foundation
import Torch

/// Comparison of a device with the CPU: operators, layers, losses, penalties and one training step of each recipe.
///
/// The reference is libtorch on the CPU in float32. On the CPU itself, the test compares FaceGAN's kernels with it.
public struct SelfTest {
    /// Group of checks.
    public enum Group: String, Sendable, CaseIterable {
        /// Operators of libtorch, with gradients.
        case operators
        /// Layers and optimizers, with gradients of input and weights.
        case layers
        /// Losses with gradients.
        case losses
        /// Gradient penalties and augmentation, with second derivatives.
        case penalties
        /// Gradients, statistics and averages of one training step.
        case recipes
    }

    /// Result of a check.
    public struct Row: Sendable {
        /// Position among all checks, from 0.
        public let index: Int
        /// Group of the check.
        public let group: Group
        /// Name of the check, unique in its group.
        public let name: String
        /// Largest relative error of a tensor; infinity for values that are not finite.
        public let error: Double
        /// Largest accepted error.
        public let tolerance: Double
        /// Tensor with the largest error, or the reason for a failure.
        public let note: String

        /// Whether the error is within the tolerance.
        public var isPassed: Bool { error <= tolerance }
    }

    /// Inputs of a check: random tensors that are equal on both devices.
    final class Inputs {
        let device: Device
        let precision: Precision
        let kernels: Kernels
        let random = RandomSource(seed: 7)

        init(_ device: Device, _ precision: Precision, _ kernels: Kernels) {
            (self.device, self.precision, self.kernels) = (device, precision, kernels)
        }

        /// N(0, 1), [shape], Float.
        func normal(_ shape: Int...) -> Tensor { Tensor.normal(shape, random: random).to(device) }

        /// Uniform in `range`, [shape], Float.
        func uniform(_ range: ClosedRange<Double>, _ shape: Int...) -> Tensor {
            Tensor.uniform(shape, range.lowerBound, range.upperBound, random: random).to(device)
        }

        /// Outputs of `body`, and gradients of `inputs` for random gradients of the outputs.
        func differentiated(_ inputs: [Tensor], _ body: ([Tensor]) -> [Tensor]) -> [(String, Tensor)] {
            let leaves = inputs.map { $0.detached().requiringGradient() }
            let outputs = body(leaves)
            let seeds = outputs.map { Tensor.normal($0.shape, random: random).to(device, $0.dtype) }
            let found = gradients(of: outputs, wrt: leaves, seeds: seeds)
            return named("output", outputs)
                + found.enumerated().compactMap { index, one in one.map { ("gradient \(index)", $0) } }
        }

        /// Tensors with numbered names.
        func named(_ name: String, _ tensors: [Tensor]) -> [(String, Tensor)] {
            tensors.enumerated().map { ("\(name) \($0)", $1) }
        }
    }

    struct Check: Sendable {
        let group: Group
        let name: String
        let body: @Sendable (Inputs) throws -> [(String, Tensor)]
    }

    private let device: Device
    private let precision: Precision

    /// Creates a test of a device in a precision. `.auto` is float32.
    public init(device: Device, precision: Precision = .fp32) {
        self.device = device
        self.precision = precision == .auto ? .fp32 : precision
    }

    /// Largest accepted relative error of a tensor: 1e-4 in float32.
    ///
    /// Batch normalization and penalties amplify rounding in the gradients of whole networks: with the initial weights of
    /// wgan-gp, the gradients of two float32 kernels of the CPU differ by 1e-3. Their limit is 0.01. In bfloat16, which has 8
    /// bits of precision, products of one layer have errors near 0.005, and errors grow with depth and with each derivative.
    func tolerance(_ group: Group, _ tensor: String) -> Double {
        let isNetworkGradient = group == .recipes && tensor.hasPrefix("optimizer")
        guard precision == .bf16 else { return isNetworkGradient ? 0.01 : 1e-4 }
        return switch group {
        case .operators, .layers, .losses: 0.03
        case .penalties: 0.1
        case .recipes: isNetworkGradient ? 0.5 : 0.1
        }
    }

    /// Runs the checks of the groups, from the check with the index `first` on, and reports each result.
    /// - Parameters:
    ///   - groups: groups to run.
    ///   - first: index of the first check.
    ///   - starting: receives index, group and name of a check before it runs, since an operator that fails ends the process.
    ///   - report: receives each result.
    public func run(
        _ groups: [Group] = Group.allCases, from first: Int = 0,
        starting: (Int, Group, String) -> Void = { _, _, _ in }, report: (Row) -> Void
    ) {
        for (index, check) in Self.checks.enumerated().dropFirst(max(0, first))
        where groups.contains(check.group) {
            starting(index, check.group, check.name)
            report(result(of: check, at: index))
        }
    }

    static let checks = operatorChecks + layerChecks + lossChecks + penaltyChecks + recipeChecks

    private func result(of check: Check, at index: Int) -> Row {
        func row(_ worst: (error: Double, name: String)) -> Row {
            Row(
                index: index, group: check.group, name: check.name, error: worst.error,
                tolerance: tolerance(check.group, worst.name), note: worst.name)
        }
        do {
            let wanted = try outputs(of: check, Inputs(.cpu, .fp32, .plain))
            let found = try outputs(of: check, Inputs(device, precision, .standard))
            guard wanted.map(\.name) == found.map(\.name) else {
                return row((.infinity, "expected \(wanted.map(\.name)), got \(found.map(\.name))"))
            }
            return row(worstError(of: found, from: wanted, in: check.group))
        } catch { return row((.infinity, "\(error)")) }
    }

    private func outputs(
        of check: Check, _ inputs: Inputs
    ) throws -> [(name: String, tensor: Tensor)] {
        // Trainers set the precision themselves, for a part of a step.
        let autocast = check.group == .recipes ? nil : inputs.precision.autocast
        return try withKernels(inputs.kernels) {
            try withAutocast(autocast, on: inputs.device) {
                try check.body(inputs).map { name, tensor in
                    (name, tensor.detached().to(.cpu, tensor.dtype == .float64 ? .float64 : .float32))
                }
            }
        }
    }

    /// Relative error that is the largest in proportion to its limit: |a - b| / |b| in the Euclidean norm over a tensor.
    ///
    /// The first word of a name is the kind of the tensor. Tensors much smaller than the largest one of their kind, such as
    /// gradients that vanish, are compared with 1 % of its norm. Gradients of the networks of a recipe are compared with the
    /// norm of all of them.
    func worstError(
        of found: [(name: String, tensor: Tensor)], from wanted: [(name: String, tensor: Tensor)],
        in group: Group
    ) -> (error: Double, name: String) {
        func kind(_ name: String) -> Substring { name.prefix { $0 != " " } }
        let norms = wanted.map { $0.tensor.norm().item() }
        var sums: [Substring: Double] = [:]
        var largest: [Substring: Double] = [:]
        for ((name, _), norm) in zip(wanted, norms) {
            largest[kind(name), default: 0].formMaximum(norm)
            sums[kind(name), default: 0] += norm * norm
        }
        var worst = (error: 0.0, name: "")
        for ((given, reference), norm) in zip(zip(found, wanted), norms) {
            guard given.tensor.shape == reference.tensor.shape else {
                return (.infinity, "\(given.name): \(given.tensor.shape), not \(reference.tensor.shape)")
            }
            let difference = (given.tensor - reference.tensor).norm().item()
            let isNetworkGradient = group == .recipes && given.name.hasPrefix("optimizer")
            let scale =
                isNetworkGradient
                ? sums[kind(given.name), default: 0].squareRoot()
                : max(norm, 0.01 * largest[kind(given.name), default: 0])
            let error = difference == 0 ? 0 : difference / scale
            guard error.isFinite else { return (.infinity, "\(given.name): not finite") }
            if error / tolerance(group, given.name) > worst.error / tolerance(group, worst.name) {
                worst = (error, given.name)
            }
        }
        return worst
    }
}

extension Double {
    fileprivate mutating func formMaximum(_ other: Double) { self = Swift.max(self, other) }
}
