import Checkpoints
import Datasets
import Metrics
import Models
import PretrainedWeights
import Torch
import TorchNN

/// Computation of one metric from the features of both sets.
struct Scorer {
    let metric: Metric
    let evaluated: any PictureSet
    let reference: (any PictureSet)?
    let made: FeatureSet?
    let real: FeatureSet?
    let network: FeatureExtractor?
    let device: Device
    let seed: UInt64
    /// Manifolds of a network, shared by precision, recall, density and coverage.
    let manifold: () -> PrecisionRecall?

    private static let slicedCount = 2048
    private static let diversityPairs = 10_000
    private static let neighborCount = 24
    private static let pathCount = 2000

    /// Adds the scores of the metric.
    /// - Throws: `EvaluationError` for pictures without a model or labels; `WeightsError` for missing weights.
    func add(to evaluation: inout Evaluation) throws {
        try withoutGradients {
            switch metric.kind {
            case .frechet: frechet(&evaluation)
            case .kernel: kernel(&evaluation)
            case .precisionRecall, .densityCoverage: manifoldScores(&evaluation)
            case .diversity: diversity(&evaluation)
            case .nearest: nearest(&evaluation)
            case .inceptionScore: inceptionScore(&evaluation)
            case .slicedWasserstein: sliced(&evaluation)
            case .attributes: attributes(&evaluation)
            case .accuracy: try accuracy(&evaluation)
            case .pathLength: try pathLength(&evaluation)
            }
        }
    }

    // MARK: Distances of distributions

    private func frechet(_ evaluation: inout Evaluation) {
        guard let made, let real else { return }
        let estimate = FrechetDistance.estimate(
            made.moments, real.moments, sampleA: made.sample, sampleB: real.sample, seed: seed)
        let label = metric.network == "inception" ? "FID" : "Fréchet distance"
        evaluation.scores.append(score("\(metric)", label, estimate, true, all: true))
    }

    private func kernel(_ evaluation: inout Evaluation) {
        guard let made, let real else { return }
        let estimate = KernelDistance.estimate(made.sample, real.sample, seed: seed)
        let label = metric.network == "inception" ? "KID" : "kernel distance"
        evaluation.scores.append(score("\(metric)", label, estimate, true))
    }

    private func manifoldScores(_ evaluation: inout Evaluation) {
        guard let name = metric.network, let found = manifold() else { return }
        let lines =
            metric.kind == .precisionRecall
            ? [("precision", found.precision), ("recall", found.recall)]
            : [("density", found.density), ("coverage", found.coverage)]
        for (what, estimate) in lines {
            evaluation.scores.append(score("\(what)-\(name)", what, estimate, false))
        }
    }

    private func inceptionScore(_ evaluation: inout Evaluation) {
        guard let logits = made?.logits else { return }
        let estimate = InceptionScore.estimate(logits: logits)
        evaluation.scores.append(score("\(metric)", "Inception score", estimate, false, alone: true))
    }

    private func sliced(_ evaluation: inout Evaluation) {
        guard let reference else { return }
        let count = min(Self.slicedCount, evaluated.count, reference.count)
        func images(_ set: any PictureSet, _ range: Range<Int>) -> Tensor {
            Tensor.concatenated(
                range.map { row in
                    let place = row * set.count / count
                    return set.images(place..<(place + 1), on: device)
                })
        }
        // The faces of a model are independent; the first ones need fewer batches.
        let found = SlicedWasserstein(seed: seed)(
            count: count, reference: { images(reference, $0) },
            evaluated: { evaluated.drawn == nil ? images(evaluated, $0) : evaluated.images($0, on: device) })
        let estimate = Estimate(
            value: found.value, error: found.error, notes: ["decreases with the number of pictures"])
        evaluation.scores.append(
            Score(
                "\(metric)", "sliced Wasserstein distance", estimate, evaluatedCount: count,
                referenceCount: count,
                features: "pixels", protocolHash: evaluated.data.hash, isLowerBetter: true))
    }

    // MARK: Generators

    private func diversity(_ evaluation: inout Evaluation) {
        guard let made, let name = metric.network else { return }
        func estimate(_ set: FeatureSet) -> Estimate {
            Diversity.estimate(
                set.sample, pairs: Self.diversityPairs, batchSize: 1024, seed: seed,
                distance: { ($0 - $1).square().sum([1]).sqrt() })
        }
        var found = estimate(made)
        if let real, real.sample.shape[0] > 1 {
            let other = estimate(real).value
            found.notes.append("reference: \(Self.rounded(other)); much lower values indicate mode collapse")
        }
        evaluation.scores.append(score("diversity-\(name)", "diversity", found, nil, alone: true))
    }

    private func nearest(_ evaluation: inout Evaluation) {
        guard let made, let real, let name = metric.network else { return }
        let found = NearestNeighbors.memorization(evaluated: made.sample, reference: real.sample)
        var copied = found.copied
        copied.notes.append(
            "0.01 for pictures that are independent of the reference; much higher values indicate memorization"
        )
        evaluation.scores.append(score("copied-\(name)", "fraction of near copies", copied, true))
        let order = found.quantiles.indices.sorted {
            (found.quantiles[$0], found.matches.distances[$0]) < (
                found.quantiles[$1], found.matches.distances[$1]
            )
        }
        evaluation.neighbors = order.prefix(Self.neighborCount).map {
            .init(
                evaluated: made.rows[$0], reference: real.rows[found.matches.indices[$0]],
                distance: found.matches.distances[$0], quantile: found.quantiles[$0])
        }
    }

    /// Path length on LPIPS, or on squared distances of the features of `network`.
    private func pathLength(_ evaluation: inout Evaluation) throws {
        guard let drawn = evaluated as? ModelPictures else {
            throw EvaluationError("\(metric): requires a model, got pictures: \(evaluated.title)")
        }
        let generator = drawn.model.generator
        let random = RandomSource(seed: seed)
        let sampler = drawn.model.sampler
        func latents() -> Tensor {
            sampler.space.sample(Self.pathCount, random: random).to(generator.device)
        }
        // Paths in z; the labels are constant.
        let labels = sampler.sample(1, random: random).labels?.to(generator.device)
        let lpips = network == nil ? try FeatureNetworks.perceptualDistance("lpips-vgg") : nil
        lpips?.move(to: device, format: .channelsLast)
        let estimate = PathLength.estimate(
            from: latents(), to: latents(),
            along: sampler.space.distribution == .normal ? .spherical : .linear,
            generator: { z in
                let images = generator(
                    Latents(z, labels: labels.map { $0.expanded(to: [z.shape[0], $0.shape[1]]) }))
                return generator.fullSize(images)
            },
            distance: { a, b in
                if let lpips { return lpips(a, b) }
                return (network!(a).features - network!(b).features).square().sum([1])
            })
        evaluation.scores.append(
            Score(
                "\(metric)", "path length", estimate, evaluatedCount: Self.pathCount,
                features: network.map { "\($0.name) \($0.digest.prefix(12))" } ?? "lpips-vgg",
                protocolHash: evaluated.data.hash, isLowerBetter: nil))
    }

    private func attributes(_ evaluation: inout Evaluation) {
        guard let logits = made?.logits, let names = network?.answers, !names.isEmpty else { return }
        let frequencies = AttributeFrequencies(evaluated: logits, reference: real?.logits ?? logits)
        evaluation.attributes = zip(names, frequencies.attributes).map { name, share in
            .init(
                name: name, evaluated: share.evaluated.value,
                evaluatedLow: share.evaluated.interval?.lowerBound ?? .nan,
                evaluatedHigh: share.evaluated.interval?.upperBound ?? .nan,
                reference: real == nil ? nil : share.reference.value)
        }
        guard real != nil else { return }
        let estimate = Estimate(
            value: frequencies.meanDifference,
            notes: ["mean absolute difference of the frequencies of \(names.count) attributes"])
        evaluation.scores.append(score("attributes", "difference of attributes", estimate, true))
    }

    /// Agreement with the labels, for attributes that are known of all pictures.
    private func accuracy(_ evaluation: inout Evaluation) throws {
        guard let made, let logits = made.logits, let network, let known = evaluated.attributes else {
            throw EvaluationError(
                "\(metric): \(evaluated.title) has no attribute labels; CelebA has them in list_attr_celeba.txt"
            )
        }
        let width = known.names.count
        let columns = network.answers.enumerated().compactMap { answer, name -> (answer: Int, label: Int)? in
            guard let label = known.names.firstIndex(of: name),
                made.rows.allSatisfy({ known.values[$0 * width + label] != 0 })
            else { return nil }
            return (answer, label)
        }
        guard !columns.isEmpty else {
            throw EvaluationError(
                "\(metric): the labels of \(evaluated.title) and the attributes of the network have no name in common"
            )
        }
        let labels = made.rows.flatMap { row in columns.map { Float(known.values[row * width + $0.label]) } }
        let scores = BinaryScores(
            logits: logits.indexSelect(1, Tensor(columns.map(\.answer)).to(logits.device)),
            labels: Tensor(labels, shape: [made.rows.count, columns.count]).to(logits.device))
        evaluation.accuracies = zip(columns, scores.attributes).map { column, score in
            .init(
                name: network.answers[column.answer], accuracy: score.accuracy.value,
                low: score.accuracy.interval?.lowerBound ?? .nan,
                high: score.accuracy.interval?.upperBound ?? .nan,
                balanced: score.balancedAccuracy.value,
                positives: Double(score.positives) / Double(scores.count))
        }
        let note = "mean over \(columns.count) attributes"
        for (name, value) in [
            ("accuracy", scores.meanAccuracy), ("balanced-accuracy", scores.meanBalancedAccuracy),
        ] {
            evaluation.scores.append(
                self.score(name, name, Estimate(value: value, notes: [note]), false, alone: true))
        }
    }

    // MARK: Scores

    /// - Parameters:
    ///   - all: the score is computed from all pictures, not from the sample.
    ///   - alone: the score does not use the reference.
    private func score(
        _ name: String, _ label: String, _ estimate: Estimate, _ isLowerBetter: Bool?, all: Bool = false,
        alone: Bool = false
    ) -> Score {
        let counts = [made, real].map { set in set.map { all ? $0.moments.count : $0.sample.shape[0] } }
        return Score(
            name, label, estimate, evaluatedCount: counts[0] ?? 0, referenceCount: alone ? nil : counts[1],
            features: network.map { "\($0.name) \($0.digest.prefix(12))" } ?? "pixels",
            protocolHash: evaluated.data.hash, isLowerBetter: isLowerBetter)
    }

    private static func rounded(_ value: Double) -> String { "\((value * 1000).rounded() / 1000)" }
}
