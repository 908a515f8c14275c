import Datasets
import Metrics
import Models
import Torch
import TorchNN

/// Judges a generator always on the same pictures and the same latents, so that the scores of a run compare.
struct FixedScore {
    private let store: FaceStore
    private let indices: [Int]
    private let latents: Latents

    /// Pictures on both sides, if the store has so many.
    private static let count = 1024
    /// Another stream than the previews' and the training's.
    private static let seed: UInt64 = 0x5C0_4E5

    init(sampler: LatentSampler, store: FaceStore, subset: [Int]?) {
        self.store = store
        let all = subset ?? Array(0..<store.count)
        // Evenly spread, for sources are often sorted.
        let count = min(Self.count, all.count)
        indices = (0..<count).map { all[$0 * all.count / count] }
        latents = sampler.sample(max(2, count), random: RandomSource(seed: Self.seed))
    }

    /// The sliced Wasserstein distance of its faces to the store's pictures, without augmentation.
    func measure(_ generator: any Generator) -> SlicedWasserstein.Result {
        let wasTraining = generator.isTraining
        generator.train(false)
        defer { generator.train(wasTraining) }
        return SlicedWasserstein()(
            count: latents.count,
            reference: { range in
                .pictures(of: store, range.map { indices[$0 % indices.count] }, on: generator.device)
            },
            evaluated: { range in generator.fullSize(generator(latents[range].to(generator.device))) })
    }
}
