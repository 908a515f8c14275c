import Models
import Testing
import Torch

/// What turning an attribute means for the labels of a face.
@Suite struct AttributeChangesTests {
    private let names = ["Smiling", "Black_Hair", "Blond_Hair", "No_Beard"]
    private var changes: AttributeChanges { AttributeChanges(names) }

    private func rows(_ tensor: Tensor) -> [[Float]] {
        let (values, width) = (tensor.floats(), tensor.shape[1])
        return stride(from: 0, to: values.count, by: width).map { Array(values[$0..<($0 + width)]) }
    }

    @Test func whatComesEndsItsAlternatives() {
        let labels = Tensor(
            [1, 1, -1, 1, -1, -1, 1, -1, 1, 0, -1, 1, 1, 1, 0, 1] as [Float], shape: [4, 4])
        #expect(
            rows(changes.turned(labels, column: 2)) == [
                [1, -1, 1, 1],  // black hair becomes blond
                [-1, -1, -1, -1],  // blond hair goes, and no other comes
                [1, 0, 1, 1],  // what is unknown stays so
                [1, 1, 0, 1],  // and cannot be turned
            ])
        #expect(rows(changes.turned(labels, column: 0)).map { $0[0] } == [-1, 1, -1, -1])
        let choice = Tensor(
            [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0] as [Float], shape: [4, 4])
        #expect(
            rows(changes.turned(labels, choice)) == [
                [-1, 1, -1, 1], [-1, 1, -1, -1], [1, 0, -1, -1], [1, -1, 0, 1],
            ])
    }

    @Test func onlyKnownDifferencesAreTold() {
        let (labels, wished) = (
            Tensor([1, -1, 0, 1] as [Float], shape: [1, 4]),
            Tensor([-1, -1, 1, 0] as [Float], shape: [1, 4])
        )
        #expect(rows(AttributeChanges.between(labels, wished)) == [[-1, 0, 0, 0]])
    }

    @Test func whatPeopleAskForIsCompleted() {
        func text(_ wanted: [(name: String, isPresent: Bool)]) -> [String] {
            AttributeChanges.completed(wanted, among: names).map { "\($0.name)=\($0.isPresent ? 1 : 0)" }
        }
        #expect(text([("Blond_Hair", true)]) == ["Blond_Hair=1", "Black_Hair=0"])
        #expect(text([("Blond_Hair", true), ("Black_Hair", true)]) == ["Blond_Hair=1", "Black_Hair=1"])
        #expect(text([("Blond_Hair", false), ("Smiling", true)]) == ["Blond_Hair=0", "Smiling=1"])
        #expect(
            AttributeChanges.excludes("Goatee", "No_Beard") && !AttributeChanges.excludes("Goatee", "Goatee"))
    }
}
