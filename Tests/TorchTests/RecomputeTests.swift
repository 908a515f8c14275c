import TestSupport
import Testing
import Torch

/// Parts that are computed twice give the gradients of parts that are kept, and keep nothing.
@Suite struct RecomputeTests {
    private static func weights() -> [Tensor] {
        let random = RandomSource(seed: 1)
        return [[32, 16, 4, 4], [32]].map { Tensor.normal($0, random: random).requiringGradient() }
    }

    static func input() -> Tensor { Tensor.normal([4, 16, 8, 8], random: RandomSource(seed: 2)) }

    private static func part(_ weights: [Tensor]) -> (Tensor) -> Tensor {
        { $0.conv2d(weight: weights[0], bias: weights[1], stride: 2, padding: 1).tanh() }
    }

    @Test(arguments: [nil, DType.bfloat16]) func givesTheSameGradients(autocast: DType?) throws {
        func run(_ isRecomputed: Bool) -> [[UInt8]?] {
            let (weights, input) = (Self.weights(), Self.input().requiringGradient())
            let body = Self.part(weights)
            let output = withAutocast(autocast, on: .cpu) {
                let scaled = input * 2
                return isRecomputed ? recomputed(scaled, parameters: weights, body) : body(scaled)
            }
            let found = gradients(of: [output.to(.float32).square().sum()], wrt: [input] + weights)
            return [output.bytes()] + found.map { $0?.bytes() }
        }
        #expect(run(true) == run(false))
    }

    /// Only what is asked for is computed, as for a generator's step through a discriminator.
    @Test func givesOnlyWhatIsAskedFor() throws {
        let (weights, input) = (Self.weights(), Self.input().requiringGradient())
        func gradient(_ output: Tensor) throws -> [UInt8] {
            try #require(gradients(of: [output.sum()], wrt: [input])[0]).bytes()
        }
        let body = Self.part(weights)
        #expect(try gradient(recomputed(input, parameters: weights, body)) == gradient(body(input)))
    }

    @Test func lettingGoOfTheTapeLetsGoOfThePart() {
        final class Witness {}
        weak var witness: Witness?
        do {
            let (kept, weights) = (Witness(), Self.weights())
            witness = kept
            let body = Self.part(weights)
            let output = recomputed(Self.input(), parameters: weights) { [kept] input in
                withExtendedLifetime(kept) { body(input) }
            }
            #expect(output.requiresGradient)
        }
        #expect(witness == nil)
    }

    @Test func withoutATapeItIsTheFunction() {
        let weights = Self.weights()
        let (body, input) = (Self.part(weights), Self.input())
        withoutGradients {
            let output = recomputed(input, parameters: weights, body)
            #expect(!output.requiresGradient && output.bytes() == body(input).bytes())
        }
    }

    @Test func secondDerivativesTrap() async throws {
        let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            let input = RecomputeTests.input().requiringGradient()
            let output = recomputed(input, parameters: []) { $0.square() }
            _ = gradients(of: [output.sum()], wrt: [input], createGraph: true)
        }
        let text = String(decoding: try #require(result).standardErrorContent, as: UTF8.self)
        #expect(text.contains("a recomputed part has no second derivatives"), "\(text)")
    }
}
