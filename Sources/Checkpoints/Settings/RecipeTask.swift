/// What a recipe teaches.
public enum RecipeTask: String, Sendable, CaseIterable {
    /// A generator and a discriminator, against each other.
    case adversarial
    /// A face network that tells the attributes of a photograph.
    case attributes
}
