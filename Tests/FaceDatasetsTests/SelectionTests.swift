import Datasets
import FaceDatasets
import Imaging
import Provenance
import Testing

/// Decisions about candidates: quotas, duplicates, copies, parts.
@Suite struct SelectionTests {
    private static let names = ["Male", "Young", "Smiling"]

    /// Random picture of 16 x 16.
    private static func picture(_ seed: Int) -> Picture {
        var random = RandomStream(seed: UInt64(seed))
        return Picture(
            width: 16, height: 16, channels: 3,
            pixels: (0..<768).map { _ in UInt8(random.integer(below: 256)) })
    }

    private static func candidate(
        _ index: Int, logits: [Float], picture: Picture? = nil, features: [Float]? = nil,
        detected: Bool = true
    ) -> Candidate {
        let picture = picture ?? self.picture(index)
        var random = RandomStream(seed: 77, index: UInt64(index))
        return Candidate(
            source: .init(
                index: index, variant: 0, seed: UInt64(index), fineSeed: nil, z: [], w: [], requested: []),
            image: SyntheticImage(picture: picture, origin: Origin(software: "test", model: "m")),
            labels: FaceLabels(
                logits: logits, features: features ?? (0..<16).map { _ in random.uniform(in: -1...1) },
                detection: detected
                    ? FaceDetection(score: 0.9, box: [0, 0, 9, 9], points: Array(repeating: 1, count: 10))
                    : nil),
            hashes: PictureHashes(picture))
    }

    private static let far = [Proximity(cosine: 0, photograph: nil)]

    private static func plan(_ count: Int, balance: [String] = []) -> FaceDatasetPlan {
        var plan = FaceDatasetPlan(model: "m", count: count, folder: "f")
        plan.balance = balance
        return plan
    }

    @Test func combinationsGetEqualNumbers() throws {
        var selection = try Selection(
            Self.plan(10, balance: ["Young", "Male"]), attributes: Self.names, copyLimit: nil)
        // 10 persons in four combinations: the first two get one more.
        #expect(selection.counts.cells.map(\.wanted) == [3, 3, 2, 2])
        #expect(
            selection.counts.cells.map(\.name)
                == ["Young=0,Male=0", "Young=1,Male=0", "Young=0,Male=1", "Young=1,Male=1"])
        var random = RandomStream(seed: 5)
        var index = 0
        while !selection.isComplete, index < 1000 {
            // Most are young women.
            let logits: [Float] = [random.chance(0.1) ? 1 : -1, random.chance(0.8) ? 1 : -1, 0]
            _ = selection.examine(
                [Self.candidate(index, logits: logits)], Self.far, acceptedInChunk: [])
            index += 1
        }
        #expect(selection.isComplete && selection.acceptedPersons == 10)
        #expect(selection.expectedCandidates == selection.counts.examined)
        #expect(selection.counts.cells.map(\.accepted) == [3, 3, 2, 2])
        let rejected = selection.counts.rejected
        #expect(rejected == ["fullCombination": selection.counts.examined - 10])
        #expect(selection.counts.cells.reduce(0) { $0 + $1.seen } == selection.counts.examined)
    }

    @Test func missingCombinationsStopWithNumbers() throws {
        var selection = try Selection(Self.plan(4, balance: ["Male"]), attributes: Self.names, copyLimit: nil)
        for index in 0..<20 {
            _ = selection.examine(
                [Self.candidate(index, logits: [-1, 1, 1])], Self.far, acceptedInChunk: [])
        }
        #expect(selection.shortage(limit: 21) == nil)
        #expect(selection.expectedCandidates == nil)
        let error = try #require(selection.shortage(limit: 20))
        #expect(
            "\(error)".contains("after 20 candidates") && "\(error)".contains("Male=1: 0 of 2, seen in 0.0 %")
                && "\(error)".contains("18 combination of attributes is complete"), "\(error)")
    }

    @Test func unknownAttributesAreErrors() {
        let error = #expect(throws: FaceDatasetError.self) {
            try Selection(Self.plan(4, balance: ["Mal"]), attributes: Self.names, copyLimit: nil)
        }
        #expect("\(error!)".contains("no attribute Mal; it has Male, Young, Smiling"))
    }

    @Test func duplicatesAreFoundByPixelsHashAndFeatures() throws {
        var selection = try Selection(Self.plan(10), attributes: Self.names, copyLimit: nil)
        let logits: [Float] = [1, 1, 1]
        let first = Self.candidate(0, logits: logits)
        guard case .accepted(cell: 0, _) = selection.examine([first], Self.far, acceptedInChunk: []) else {
            Issue.record("the first picture was rejected")
            return
        }
        #expect(
            selection.examine([Self.candidate(0, logits: logits)], Self.far, acceptedInChunk: [])
                == .rejected(.equalPixels))
        // One level more in a corner.
        var changed = first.image.picture
        changed.pixels[0] ^= 1
        #expect(
            selection.examine(
                [Self.candidate(1, logits: logits, picture: changed)], Self.far, acceptedInChunk: [])
                == .rejected(.nearHash))
        // Brighter by a constant: another hash of the pixels, the same gradients.
        var brighter = first.image.picture
        brighter.pixels = brighter.pixels.map { UInt8(min(255, Int($0) + 9)) }
        #expect(
            selection.examine(
                [Self.candidate(2, logits: logits, picture: brighter)], Self.far, acceptedInChunk: [])
                == .rejected(.nearHash))
        // Near features of an earlier chunk, and of this one.
        #expect(
            selection.examine(
                [Self.candidate(3, logits: logits)], [Proximity(cosine: 0.996, photograph: nil)],
                acceptedInChunk: [])
                == .rejected(.nearFeatures))
        let twin = Self.candidate(4, logits: logits, features: first.labels.features.map { 2 * $0 })
        #expect(
            selection.examine([twin], Self.far, acceptedInChunk: [first.labels.features])
                == .rejected(.nearFeatures))
        // Another picture is accepted.
        let other = selection.examine([Self.candidate(5, logits: logits)], Self.far, acceptedInChunk: [])
        #expect(selection.acceptedPersons == 2, "\(other)")
        #expect(selection.counts.rejected == ["equalPixels": 1, "nearHash": 2, "nearFeatures": 2])
    }

    @Test func copiesOfPhotographsAreRejected() throws {
        var selection = try Selection(Self.plan(10), attributes: Self.names, copyLimit: 2)
        func decision(_ index: Int, _ distance: Double) -> Selection.Decision {
            let near = NearestPhotograph(index: 3, distance: distance, quantile: 0.1)
            return selection.examine(
                [Self.candidate(index, logits: [1, 1, 1])], [Proximity(cosine: 0, photograph: near)],
                acceptedInChunk: [])
        }
        #expect(decision(0, 1.99) == .rejected(.nearPhotograph))
        #expect(decision(1, 2) != .rejected(.nearPhotograph))
    }

    @Test func personsAreAcceptedAsAWhole() throws {
        var plan = Self.plan(4, balance: ["Male"])
        plan.picturesPerIdentity = 2
        plan.requiresFace = true
        var selection = try Selection(plan, attributes: Self.names, copyLimit: nil)
        let near = Self.far + Self.far
        let mixed = [
            Self.candidate(0, logits: [1, 1, 1]), Self.candidate(1, logits: [-1, 1, 1]),
        ]
        #expect(selection.examine(mixed, near, acceptedInChunk: []) == .rejected(.mixedAttributes))
        let faceless = [
            Self.candidate(2, logits: [1, 1, 1]), Self.candidate(3, logits: [1, 1, 1], detected: false),
        ]
        #expect(selection.examine(faceless, near, acceptedInChunk: []) == .rejected(.noFace))
        let same = [Self.candidate(4, logits: [1, 1, 1]), Self.candidate(4, logits: [1, 1, 1])]
        #expect(selection.examine(same, near, acceptedInChunk: []) == .rejected(.equalPixels))
        for start in [10, 20] {
            let person = (start..<start + 2).map { Self.candidate($0, logits: [start == 10 ? 1 : -1, 1, 1]) }
            _ = selection.examine(person, near, acceptedInChunk: [])
        }
        #expect(selection.isComplete && selection.acceptedPersons == 2)
        #expect(selection.counts.rejected == ["mixedAttributes": 2, "noFace": 2, "equalPixels": 2])
    }

    /// A selection that continues with counts and hashes makes the same decisions.
    @Test func restoredSelectionsContinue() throws {
        let plan = Self.plan(40, balance: ["Male", "Young"])
        var random = RandomStream(seed: 9)
        let candidates = (0..<200).map { index in
            let logits: [Float] = [random.chance(0.3) ? 1 : -1, random.chance(0.6) ? 1 : -1, 0]
            // Some pictures appear twice.
            return Self.candidate(index, logits: logits, picture: Self.picture(index % 90))
        }
        var whole = try Selection(plan, attributes: Self.names, copyLimit: nil)
        let expected = candidates.map { whole.examine([$0], Self.far, acceptedInChunk: []) }
        var first = try Selection(plan, attributes: Self.names, copyLimit: nil)
        var hashes: [PictureHashes] = []
        for candidate in candidates.prefix(70) {
            if case .accepted = first.examine([candidate], Self.far, acceptedInChunk: []) {
                hashes.append(candidate.hashes)
            }
        }
        var second = try Selection(plan, attributes: Self.names, copyLimit: nil)
        second.restore(first.counts, hashes: hashes)
        let found = candidates.dropFirst(70).map { second.examine([$0], Self.far, acceptedInChunk: []) }
        #expect(found == Array(expected.dropFirst(70)))
        #expect(second.counts == whole.counts)
        #expect(second.counts.rejected["equalPixels", default: 0] > 0)
    }
}

@Suite struct SplitTests {
    @Test(arguments: ["80/10/10", "50/50", "100", "98/1/1", "0/0/100"])
    func sharesAreExact(text: String) throws {
        let shares = try SplitShares(text)
        let assignment = SplitAssignment(shares, seed: 3)
        for cell in [0, 5] {
            var counts: [DataSplit: Int] = [:]
            for rank in 0..<300 {
                counts[assignment.split(ofRank: rank, cell: cell), default: 0] += 1
            }
            for split in DataSplit.allCases { #expect(counts[split, default: 0] == 3 * shares[split]) }
        }
        let other = SplitAssignment(shares, seed: 4)
        let order = (0..<300).map { assignment.split(ofRank: $0, cell: 0) }
        #expect(order == (0..<300).map { assignment.split(ofRank: $0, cell: 0) })
        if text == "80/10/10" { #expect(order != (0..<300).map { other.split(ofRank: $0, cell: 0) }) }
    }

    @Test(arguments: [
        "", "80", "80/30", "80/10/5/5", "a/b", "110/-10", "80/10/10/", "99999999999999999999/0",
    ])
    func wrongSharesAreErrors(text: String) {
        let error = #expect(throws: FaceDatasetError.self) { try SplitShares(text) }
        #expect("\(error!)".contains("such as 80/10/10") && "\(error!)".contains("\"\(text)\""))
    }
}
