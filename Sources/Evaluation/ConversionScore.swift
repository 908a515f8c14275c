import Checkpoints
import Metrics
import Models
import Torch

/// How well a converter changes attributes of photographs, by a face network that had no part in its training.
public struct ConversionScore: Sendable, Equatable {
    /// One attribute's change into what a photograph is not.
    public struct Line: Sendable, Equatable {
        public let name: String
        /// Share of pictures in which the judge finds what was asked for, 0...1.
        public let flips: Double
        /// The same of those alone whose photograph the judge itself told apart rightly.
        public let flipsOfSeen: Double
        /// Share of the judge's other answers that changed.
        public let leakage: Double
        /// Cosine of the faces' features before and after, by the judge's own or MobileFaceNet's embedding.
        public let likeness: Double
        public let count: Int
    }

    public let lines: [Line]
    /// PSNR of photographs that nothing was to change, in dB.
    public let unchangedPSNR: Double
    /// What `likeness` is measured by.
    public let likenessOf: String

    private static let batchSize = 32

    /// Asks for each attribute's other value in each photograph whose own value is known.
    /// - Parameters:
    ///   - attributes: names of the converter's changes.
    ///   - count: photographs.
    ///   - pictures: photographs of a range, [N, 3, side, side] in -1...1, and their labels [N, K].
    /// - Throws: `CheckpointError` for a judge that is not there; what `pictures` throws.
    public init(
        _ converter: AttributeConverter, attributes: [String], intensity: Double = 1, count: Int,
        pictures: (Range<Int>) throws -> (Tensor, Tensor)
    ) throws {
        let device = converter.device
        let judge = try JudgeNetworks.load("face", device: device)
        let embedding =
            JudgeNetworks.isHere("mobilefacenet")
            ? try JudgeNetworks.load("mobilefacenet", device: device) : judge
        likenessOf = embedding.name
        let answers = judge.answers
        let changes = AttributeChanges(attributes, on: device)
        var sums = attributes.map { _ in [Double](repeating: 0, count: 6) }
        var noise: [Double] = []
        let wasTraining = converter.isTraining
        converter.train(false)
        defer { converter.train(wasTraining) }
        try withoutGradients {
            for start in stride(from: 0, to: count, by: Self.batchSize) {
                let (images, labels) = try pictures(start..<min(count, start + Self.batchSize))
                let none = Tensor.zeros(like: labels)
                noise += PairDistances.psnr(converter(images, changes: none).to(.float32), images).doubles()
                let earlier = judge(images)
                let person = embedding(images).features
                for (column, name) in attributes.enumerated() {
                    let own = labels.narrow(1, start: column, length: 1)
                    let wished = changes.turned(labels, column: column)
                    let made = converter(
                        images, changes: AttributeChanges.between(labels, wished) * intensity
                    ).to(.float32)
                    let later = judge(made)
                    let known = own.abs().flattened()
                    let cosines = PairMeasure.cosine(person, embedding(made).features)
                    guard let answer = answers.firstIndex(of: name), let before = earlier.logits,
                        let after = later.logits
                    else { continue }
                    // What ends with the attribute's coming was asked for, too.
                    let kept = answers.indices.filter {
                        $0 != answer && !AttributeChanges.excludes(name, answers[$0])
                    }
                    let flipped =
                        (after.select(1, answer) * own.flattened()).less(than: 0).to(.float32) * known
                    let seen =
                        (before.select(1, answer) * own.flattened()).greater(than: 0).to(.float32) * known
                    let moved = (before * after).less(than: 0).to(.float32)
                    let others = moved.indexSelect(1, Tensor(kept, shape: [kept.count]).to(device)).mean([1])
                    let found = [
                        flipped.sum(), (flipped * seen).sum(), seen.sum(), (others * known).sum(),
                        (cosines * known).sum(), known.sum(),
                    ]
                    for (place, value) in found.enumerated() { sums[column][place] += value.item() }
                }
            }
        }
        // What the judge cannot tell, or no photograph's label says, is left out.
        lines = zip(attributes, sums).compactMap { name, sums in
            let all = sums[5]
            return all == 0
                ? nil
                : Line(
                    name: name, flips: sums[0] / all, flipsOfSeen: sums[1] / max(1, sums[2]),
                    leakage: sums[3] / all,
                    likeness: sums[4] / all, count: Int(sums[5]))
        }
        let finite = noise.filter(\.isFinite)
        unchangedPSNR = finite.reduce(0, +) / Double(max(1, finite.count))
    }
}
