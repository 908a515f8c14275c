extension Picture {
    /// Returns the picture transformed by a similarity, in a result of the given size. Positions outside the picture
    /// are filled by reflection.
    ///
    /// The resampling is antialiased: if the picture shrinks, the filter covers all source pixels of a result pixel.
    /// Without rotation, the result differs from `resized` by at most two levels. The identity does not change the
    /// picture.
    /// - Parameters:
    ///   - transform: maps positions in this picture to positions in the result.
    ///   - width: width of the result in pixels.
    ///   - height: height of the result in pixels.
    ///   - filter: kernel of the resampling.
    public func warped(
        by transform: Similarity, width: Int, height: Int, filter: ResizeFilter = .lanczos
    ) -> Picture {
        precondition(
            width > 0 && height > 0,
            "Picture.warped: expected a size of at least 1x1, got \(width)x\(height)")
        if channels == 4 {
            return multipliedByAlpha().warpedWithoutAlpha(transform, width, height, filter).dividedByAlpha()
        }
        return warpedWithoutAlpha(transform, width, height, filter)
    }

    private func warpedWithoutAlpha(
        _ transform: Similarity, _ width: Int, _ height: Int, _ filter: ResizeFilter
    ) -> Picture {
        let kernel = ResizeKernel(filter)
        if let (smaller, rest) = reduced(before: transform, width, height, reach: Double(kernel.reach)) {
            return smaller.warpedWithoutAlpha(rest, width, height, filter)
        }
        return Picture(width: width, height: height, channels: channels) { out in
            pixels.withUnsafeBufferPointer { source in
                kernel.withTable { table in
                    let warp = PictureWarp(
                        source: source, table: table, width: self.width, height: self.height,
                        channels: channels, kernel: kernel, transform: transform)
                    if transform.scale < 1 {
                        warp.shrink(to: out, width, height)
                    } else {
                        warp.enlarge(to: out, width, height)
                    }
                }
            }
        }
    }

    /// Reduces the picture by an integer factor before a transform that shrinks it to less than a sixth.
    ///
    /// The reduced pixels have a third of the size of a result pixel. This is much faster and nearly equal to the
    /// filter alone.
    private func reduced(before transform: Similarity, _ width: Int, _ height: Int, reach: Double)
        -> (Picture, Similarity)?
    {
        let factor = Int(min(1 / (3 * transform.scale), 4096))
        guard factor >= 2 else { return nil }
        let inverse = transform.inverse
        let margin = 2 * reach / transform.scale
        let corners = [(0, 0), (width, 0), (0, height), (width, height)].map {
            inverse(PicturePoint(x: Double($0.0), y: Double($0.1)))
        }
        /// A multiple of the factor inside 0..<size that covers the visible part.
        func span(_ values: [Double], _ size: Int) -> (start: Int, count: Int)? {
            let low = min(max(values.reduce(.infinity, min) - margin, 0), Double(size - 1))
            let high = min(max(values.reduce(-.infinity, max) + margin, low + 1), Double(size))
            let start = Int(low)
            let wanted = (Int(high.rounded(.up)) - start + factor - 1) / factor
            let count = min(wanted, (size - start) / factor)
            return count >= 1 ? (start, count) : nil
        }
        guard let columns = span(corners.map(\.x), self.width), let rows = span(corners.map(\.y), self.height)
        else { return nil }
        let box = PictureBox(
            x: columns.start, y: rows.start, width: columns.count * factor, height: rows.count * factor)
        let smaller = resized(from: box, width: columns.count, height: rows.count, filter: .box)
        let back = Similarity(
            a: Double(factor), b: 0, dx: Double(columns.start), dy: Double(rows.start))
        return (smaller, back.then(transform))
    }
}

/// State of one warp.
private struct PictureWarp {
    let source: UnsafeBufferPointer<UInt8>
    let table: UnsafeBufferPointer<Float>
    let width: Int
    let height: Int
    let channels: Int
    let kernel: ResizeKernel
    let transform: Similarity

    /// Resamples with a filter aligned to the axes of the result that covers several source pixels.
    func shrink(to out: UnsafeMutableBufferPointer<UInt8>, _ outWidth: Int, _ outHeight: Int) {
        let inverse = transform.inverse
        let (a, b) = (Float(transform.a), Float(transform.b))
        let reach = Double(kernel.reach) * (inverse.a.magnitude + inverse.b.magnitude)
        for row in 0..<outHeight {
            for column in 0..<outWidth {
                let center = inverse(PicturePoint(x: Double(column) + 0.5, y: Double(row) + 0.5))
                let (left, right) = reached(center.x, reach)
                let (top, bottom) = reached(center.y, reach)
                var sums = Sums()
                for y in top..<bottom {
                    let line = Self.mirrored(y, height) * width
                    let fromY = Float(Double(y) + 0.5 - center.y)
                    for x in left..<right {
                        let fromX = Float(Double(x) + 0.5 - center.x)
                        let across = kernel(a * fromX - b * fromY, table)
                        if across == 0 { continue }
                        let weight = across * kernel(b * fromX + a * fromY, table)
                        add(line + Self.mirrored(x, width), weight, &sums)
                    }
                }
                store(sums, center, out, (row * outWidth + column) * channels)
            }
        }
    }

    /// Resamples with a filter aligned to the axes of the source.
    func enlarge(to out: UnsafeMutableBufferPointer<UInt8>, _ outWidth: Int, _ outHeight: Int) {
        let inverse = transform.inverse
        let reach = Double(kernel.reach)
        // Maximum number of pixels in the range of the filter.
        let capacity = 2 * Int(reach.rounded(.up)) + 1
        withUnsafeTemporaryAllocation(of: Float.self, capacity: capacity) { weights in
            withUnsafeTemporaryAllocation(of: Int.self, capacity: capacity) { columns in
                for row in 0..<outHeight {
                    for column in 0..<outWidth {
                        let center = inverse(PicturePoint(x: Double(column) + 0.5, y: Double(row) + 0.5))
                        let (left, right) = reached(center.x, reach)
                        let (top, bottom) = reached(center.y, reach)
                        for x in left..<right {
                            weights[x - left] = kernel(Float(Double(x) + 0.5 - center.x), table)
                            columns[x - left] = Self.mirrored(x, width)
                        }
                        var sums = Sums()
                        for y in top..<bottom {
                            let line = Self.mirrored(y, height) * width
                            let down = kernel(Float(Double(y) + 0.5 - center.y), table)
                            if down == 0 { continue }
                            for x in 0..<right - left { add(line + columns[x], down * weights[x], &sums) }
                        }
                        store(sums, center, out, (row * outWidth + column) * channels)
                    }
                }
            }
        }
    }

    /// Range of pixels whose centers are within `reach`, including at least the pixel that contains the center.
    @inline(__always)
    private func reached(_ center: Double, _ reach: Double) -> (Int, Int) {
        // Limits values before the conversion to integers, which traps on overflow.
        let center = min(max(center, -1e9), 1e9)
        let middle = Int(center.rounded(.down))
        return (
            min(middle, Int((center - reach - 0.5).rounded(.up))),
            max(middle, Int((center + reach - 0.5).rounded(.down))) + 1
        )
    }

    private struct Sums {
        var values = SIMD4<Float>.zero
        var weight: Float = 0
    }

    @inline(__always)
    private func value(_ pixel: Int) -> SIMD4<Float> {
        let at = pixel * channels
        return switch channels {
        case 1: SIMD4(Float(source[at]), 0, 0, 0)
        case 3: SIMD4(Float(source[at]), Float(source[at + 1]), Float(source[at + 2]), 0)
        default:
            SIMD4(Float(source[at]), Float(source[at + 1]), Float(source[at + 2]), Float(source[at + 3]))
        }
    }

    @inline(__always)
    private func add(_ pixel: Int, _ weight: Float, _ sums: inout Sums) {
        sums.values += weight * value(pixel)
        sums.weight += weight
    }

    @inline(__always)
    private func store(
        _ sums: Sums, _ center: PicturePoint, _ out: UnsafeMutableBufferPointer<UInt8>, _ at: Int
    ) {
        // A rotated box filter can contain no pixel center.
        var values =
            sums.weight > 1e-3
            ? sums.values / sums.weight : value(nearest(center.y, height) * width + nearest(center.x, width))
        values += 0.5
        for c in 0..<channels { out[at + c] = UInt8(min(max(values[c], 0), 255)) }
    }

    private func nearest(_ position: Double, _ size: Int) -> Int {
        Self.mirrored(Int(min(max(position, -1e9), 1e9).rounded(.down)), size)
    }

    /// Reflects an index at the borders into 0..<size.
    @inline(__always)
    private static func mirrored(_ index: Int, _ size: Int) -> Int {
        if index >= 0 && index < size { return index }
        let folded = ((index % (2 * size)) + 2 * size) % (2 * size)
        return folded < size ? folded : 2 * size - 1 - folded
    }
}
