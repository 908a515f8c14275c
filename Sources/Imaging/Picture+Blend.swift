extension Picture {
    /// This picture with another laid over it; towards the other's edges it fades, and outside them nothing changes.
    ///
    /// - Parameters:
    ///   - patch: any channels; its transparency shows white.
    ///   - transform: from places of this picture to those of the patch.
    ///   - feather: how wide the fading is, as a part of the patch's side, 0 (a hard edge) ... 0.5.
    /// - Returns: RGB, or RGBA with this picture's transparency.
    public func blended(
        with patch: Picture, at transform: Similarity, feather: Double, filter: ResizeFilter = .lanczos
    ) -> Picture {
        precondition((0...0.5).contains(feather), "a feather of 0...0.5, got \(feather)")
        var result = channels == 1 ? rgb() : self
        let (patch, back) = (patch.rgb(), transform.inverse)
        let (patchWidth, patchHeight) = (Double(patch.width), Double(patch.height))
        let corners = [(0, 0), (patchWidth, 0), (0, patchHeight), (patchWidth, patchHeight)].map {
            back(PicturePoint(x: $0.0, y: $0.1))
        }
        /// The pixels between the outermost corners, inside 0..<size.
        func span(_ values: [Double], _ size: Int) -> Range<Int> {
            let low = min(max(values.reduce(.infinity, min).rounded(.down), 0), Double(size))
            let high = min(max(values.reduce(-.infinity, max).rounded(.up), low), Double(size))
            return Int(low)..<Int(high)
        }
        let (columns, rows) = (span(corners.map(\.x), width), span(corners.map(\.y), height))
        guard !columns.isEmpty, !rows.isEmpty else { return result }
        let move = Similarity(a: 1, b: 0, dx: -Double(columns.lowerBound), dy: -Double(rows.lowerBound))
        let laid = patch.warped(
            by: back.then(move), width: columns.count, height: rows.count, filter: filter)
        let step = result.channels
        result.pixels.withUnsafeMutableBufferPointer { out in
            laid.pixels.withUnsafeBufferPointer { new in
                for y in rows {
                    for x in columns {
                        let place = transform(PicturePoint(x: Double(x) + 0.5, y: Double(y) + 0.5))
                        let share = Float(
                            Self.share(place.x / patchWidth, feather)
                                * Self.share(place.y / patchHeight, feather))
                        if share <= 0 { continue }
                        let to = (y * width + x) * step
                        let from = ((y - rows.lowerBound) * laid.width + x - columns.lowerBound) * 3
                        for c in 0..<3 {
                            let old = Float(out[to + c])
                            out[to + c] = UInt8(old + (Float(new[from + c]) - old) * share + 0.5)
                        }
                    }
                }
            }
        }
        return result
    }

    /// 0 outside 0...1, 1 in its middle; in between a cubic without kinks.
    private static func share(_ place: Double, _ feather: Double) -> Double {
        let depth = min(place, 1 - place)
        guard depth > 0 else { return 0 }
        guard depth < feather else { return 1 }
        let t = depth / feather
        return t * t * (3 - 2 * t)
    }
}
