/// What a recipe teaches.
public enum RecipeTask: String, Sendable, CaseIterable {
    /// A generator and a discriminator, against each other.
    case adversarial
    /// A face network that tells the attributes of a photograph.
    case attributes
    /// A network that gives photographs back, smaller or bent ones made whole, and a critic of its pictures.
    case restoration
    /// A network that changes attributes of photographs, and a critic that names them.
    case conversion
}
