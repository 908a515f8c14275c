import Objectives
import Recipes

extension AdversarialSettings {
    /// Cadences of the penalties that are on.
    var penalties: [LazyRegularization] {
        (gradientPenalty.weight > 0 ? [gradientPenalty.lazy] : [])
            + (draganPenalty.weight > 0 ? [draganPenalty.lazy] : [])
            + (zeroCenteredPenalty.isOn ? [zeroCenteredPenalty.lazy] : [])
    }
}
