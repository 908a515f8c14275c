import Models

/// The families of this package, with few channels.
enum SmallFamily: String, CaseIterable {
    case dcgan, residual, progressive
    case denseDCGAN = "dcgan-dense"

    func settings(filters: Int) -> any NetworkFamily {
        switch self {
        case .dcgan:
            var settings = DCGANSettings()
            settings.filters = filters
            return settings
        case .denseDCGAN:
            var settings = DenseDCGANSettings()
            settings.filters = filters
            return settings
        case .residual:
            var settings = ResidualSettings()
            settings.filters = filters
            return settings
        case .progressive:
            var settings = ProgressiveSettings()
            settings.maxFilters = 2 * filters
            return settings
        }
    }
}
