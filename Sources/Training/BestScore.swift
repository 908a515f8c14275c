/// The best score of a run so far, as a saved state keeps it.
struct BestScore: Equatable {
    let name: String
    let value: Double

    /// Its key among a state's facts.
    static let fact = "bestScore"

    init(name: String, value: Double) { (self.name, self.value) = (name, value) }

    /// Reads `text` back; nil if it is something else.
    init?(_ text: String) {
        let parts = text.split(separator: " ")
        guard parts.count == 2, let value = Double(parts[1]) else { return nil }
        self.init(name: String(parts[0]), value: value)
    }

    var text: String { "\(name) \(value)" }
}
