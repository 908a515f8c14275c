import Settings
import Testing

@Suite struct SuggestionTests {
    @Test func closestWord() {
        let words = ["learningRate", "batch", "betas", "generator", "discriminator"]
        #expect(Suggestion.closest(to: "learning_rate", in: words) == "learningRate")
        #expect(Suggestion.closest(to: "LearningRat", in: words) == "learningRate")
        #expect(Suggestion.closest(to: "bacth", in: words) == "batch")
        #expect(Suggestion.closest(to: "beta", in: words) == "betas")
        #expect(Suggestion.closest(to: "genrator", in: words) == "generator")
        #expect(Suggestion.closest(to: "x", in: words) == nil)
        #expect(Suggestion.closest(to: "", in: words) == nil)
        #expect(Suggestion.closest(to: "colour", in: words) == nil)
        #expect(Suggestion.closest(to: String(repeating: "b", count: 100_000), in: words) == nil)
    }
}
