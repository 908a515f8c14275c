extension Labels {
    /// Moves the landmarks from the original pictures into the samples that a protocol makes of them.
    /// - Parameters:
    ///   - sizes: the original pictures' sizes, one a row.
    ///   - frame: the side of the square that the landmarks are given in; nil where it is the picture itself.
    mutating func mapLandmarks(by data: DataProtocol, sizes: [PictureSize], frame: Int?) throws {
        guard !landmarks.isEmpty else { return }
        for (row, size) in sizes.enumerated() {
            let scaleX = frame.map { Float(size.width) / Float($0) } ?? 1
            let scaleY = frame.map { Float(size.height) / Float($0) } ?? 1
            for point in 0..<(Labels.landmarkWidth / 2) {
                let at = row * Labels.landmarkWidth + 2 * point
                let mapped = try data.map(
                    x: landmarks[at] * scaleX, y: landmarks[at + 1] * scaleY, width: size.width,
                    height: size.height)
                landmarks[at] = mapped.x
                landmarks[at + 1] = mapped.y
            }
        }
    }
}
