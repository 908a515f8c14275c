import Editing
import Testing
import Torch

@Suite struct LinearNormalsTests {
    /// Latents with unequal variances and a mean, and logits that are linear in them, with noise.
    private struct Problem {
        let latents: Tensor
        let normals: Tensor
        let logits: Tensor

        init(count: Int = 1500, noise: Double = 0.5, seed: UInt64 = 3) {
            let random = RandomSource(seed: seed)
            let scales = Tensor((0..<16).map { 0.5 + 0.1 * Float($0) }).unsqueezed(0)
            latents = Tensor.normal([count, 16], random: random) * scales + 2
            let drawn = Tensor.normal([4, 16], random: random)
            normals = drawn / drawn.norm([1], keep: true)
            logits =
                latents.matmul(normals.transposed(0, 1)) * 3
                + Tensor.normal([count, 4], random: random) * noise
        }
    }

    @Test func knownNormalsAreFound() throws {
        let problem = Problem()
        let found = try LinearNormals(latents: problem.latents, logits: problem.logits)
        let cosines = (found.normals * problem.normals).sum([1]).floats()
        for cosine in cosines { #expect(cosine > 0.99, "\(cosines)") }
        let lengths = found.normals.norm([1]).floats()
        for length in lengths { #expect(abs(length - 1) < 1e-5) }
        for quality in found.qualities {
            #expect(quality.accuracy > 0.97 && quality.correlation > 0.95, "\(quality)")
        }
    }

    /// Logits that do not depend on the latents have no normal: the held-out accuracy says so.
    @Test func noiseHasNoNormal() throws {
        let problem = Problem()
        let noise = Tensor.normal([1500, 4], random: RandomSource(seed: 9))
        let found = try LinearNormals(latents: problem.latents, logits: noise)
        for quality in found.qualities {
            #expect(quality.accuracy < 0.75 && abs(quality.correlation) < 0.25, "\(quality)")
        }
    }

    /// A logit that depends on the sign only is found too, and constant logits do not trap.
    @Test func signsAndConstantsAreFitted() throws {
        let problem = Problem(noise: 0)
        let centered = problem.logits - problem.logits.mean([0], keep: true)
        let signs = centered.sign() * 5 + Tensor.normal([1500, 4], random: RandomSource(seed: 4)) * 0.1
        let found = try LinearNormals(latents: problem.latents, logits: signs)
        for cosine in (found.normals * problem.normals).sum([1]).floats() {
            #expect(cosine > 0.95, "\(cosine)")
        }
        let constant = try LinearNormals(latents: problem.latents, logits: Tensor.ones([1500, 2]))
        #expect(constant.normals.isFinite().all().item() == 1)
    }

    @Test func fitsAreEqualInEveryCall() throws {
        let problem = Problem(count: 200)
        let (one, two) = (
            try LinearNormals(latents: problem.latents, logits: problem.logits),
            try LinearNormals(latents: problem.latents, logits: problem.logits)
        )
        #expect(one.normals.floats() == two.normals.floats() && one.qualities == two.qualities)
        #expect(throws: CancellationError.self) {
            try LinearNormals(latents: problem.latents, logits: problem.logits) { true }
        }
    }
}

@Suite struct VectorsTests {
    private let vectors: [[Float]] = [
        [1, 2, 0, -1, 3], [0, 1, 1, 0.5, 2], [2, 0, -1, 1, 0], [3, 2, -1, 0, 3],
    ]

    @Test func projectionIsOrthogonal() {
        let own: [Float] = [1, -1, 2, 0.5, 0.25]
        let rest = Vectors.orthogonal(own, to: vectors)
        for vector in vectors { #expect(abs(Vectors.cosine(rest, vector)) < 1e-6) }
        // The removed part is in the span, so that nothing else is lost.
        let removed = zip(own, rest).map { $0 - $1 }
        #expect(Vectors.norm(Vectors.orthogonal(removed, to: vectors)) < 1e-5)
        #expect(Vectors.orthogonal(own, to: []) == own)
    }

    @Test func dependentVectorsAddNothing() {
        // The fourth vector is the sum of the first and the third.
        #expect(Vectors.basis(of: vectors).count == 3)
        #expect(Vectors.basis(of: [[0, 0], [0, 0]]).isEmpty)
        #expect(Vectors.norm(Vectors.orthogonal([3, 2, -1, 0, 3], to: Array(vectors.prefix(3)))) < 1e-5)
    }

    @Test func zeroIsNoDirection() {
        #expect(Vectors.normalized([0, 0]) == [0, 0])
        #expect(Vectors.cosine([0, 0], [1, 0]) == 0)
        #expect(Vectors.normalized([3, 4]) == [0.6, 0.8])
    }
}
