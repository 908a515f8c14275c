import Torch

/// What turning one attribute of CelebA means for the others: hair that becomes blond is black no longer.
public struct AttributeChanges {
    /// Attributes of which a face has at most one.
    private static let alternatives: [Set<String>] = [
        ["Bald", "Black_Hair", "Blond_Hair", "Brown_Hair", "Gray_Hair"], ["Straight_Hair", "Wavy_Hair"],
        ["Bald", "Bangs"], ["Bald", "Receding_Hairline"], ["Bangs", "Receding_Hairline"],
        ["5_o_Clock_Shadow", "No_Beard"], ["Goatee", "No_Beard"], ["Mustache", "No_Beard"],
    ]

    /// [K, K]: 1 where the row's attribute ends the column's.
    private let ends: Tensor

    public init(_ names: [String], on device: Device = .cpu) {
        let values = names.flatMap { own in names.map { Self.excludes(own, $0) ? Float(1) : 0 } }
        ends = Tensor(values, shape: [names.count, names.count]).to(device)
    }

    /// Whether no face has both.
    public static func excludes(_ one: String, _ other: String) -> Bool {
        one != other && alternatives.contains { $0.isSuperset(of: [one, other]) }
    }

    /// What was asked for, and what ends with what comes: names, and whether they are to be there.
    /// - Parameter names: that can be changed.
    public static func completed(
        _ wanted: [(name: String, isPresent: Bool)], among names: [String]
    ) -> [(name: String, isPresent: Bool)] {
        let coming = wanted.filter(\.isPresent).map(\.name)
        let ended = names.filter { name in
            !wanted.contains { $0.name == name } && coming.contains { excludes($0, name) }
        }
        return wanted + ended.map { ($0, false) }
    }

    /// Labels with one attribute of each row turned.
    /// - Parameters:
    ///   - labels: [N, K] of 1, -1 and 0 for unknown, which stays so.
    ///   - choice: which, [N, K] with one 1 in each row.
    public func turned(_ labels: Tensor, _ choice: Tensor) -> Tensor {
        let turned = labels * (1 - 2 * choice)
        let coming = choice * turned.greater(than: 0).to(.float32)
        let ended = coming.matmul(ends).greater(than: 0).to(.float32)
        // What ends is -1 where it was 1, and as it was elsewhere.
        return turned - 2 * ended * labels.greater(than: 0).to(.float32)
    }

    /// Labels with the same attribute turned in all rows, [N, K].
    public func turned(_ labels: Tensor, column: Int) -> Tensor {
        let choice = Tensor.zeros(like: labels)
        choice.narrow(1, start: column, length: 1).fill_(1)
        return turned(labels, choice)
    }

    /// 1 where labels of 1, 0 and -1 are present, and 1 where they are absent, both of their shape.
    public static func sides(_ labels: Tensor) -> (present: Tensor, absent: Tensor) {
        (labels.clampedBelow(0), (-labels).clampedBelow(0))
    }

    /// What must change for labels to become others, [N, K] of 1, 0, -1; nothing where one is unknown.
    public static func between(_ labels: Tensor, _ wished: Tensor) -> Tensor {
        (wished - labels) * 0.5 * labels.abs() * wished.abs()
    }
}
