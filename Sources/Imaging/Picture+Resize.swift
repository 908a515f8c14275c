import CCodecs

extension Picture {
    /// The picture at another size, antialiased: equal to Pillow's `resize` (in 8-bit fixed point) on RGB and gray.
    public func resized(width: Int, height: Int, filter: ResizeFilter = .lanczos) -> Picture {
        resized(
            fromLeft: 0, top: 0, right: Double(self.width), bottom: Double(self.height), width: width,
            height: height, filter: filter)
    }

    /// A part of the picture at another size; the filter sees no pixel outside `box`, as after a crop.
    ///
    /// - Parameter box: must lie inside the picture.
    public func resized(
        from box: PictureBox, width: Int, height: Int, filter: ResizeFilter = .lanczos
    ) -> Picture {
        precondition(box.fits(width: self.width, height: self.height), "\(box) lies outside the picture")
        if channels == 4 {
            return multipliedByAlpha().resizedPlainly(from: box, width, height, filter).dividedByAlpha()
        }
        return resizedPlainly(from: box, width, height, filter)
    }

    /// A part of the picture, bounded in fractions of pixels, at another size; the filter sees its neighbors.
    ///
    /// The four edges must lie inside the picture.
    public func resized(
        fromLeft left: Double, top: Double, right: Double, bottom: Double, width: Int, height: Int,
        filter: ResizeFilter = .lanczos
    ) -> Picture {
        precondition(
            left >= 0 && top >= 0 && right > left && bottom > top && right <= Double(self.width)
                && bottom <= Double(self.height), "the part lies outside the picture")
        let whole = PictureBox(x: 0, y: 0, width: self.width, height: self.height)
        let edges = (left, top, right, bottom)
        if channels == 4 {
            return multipliedByAlpha().resizedPlainly(from: whole, edges, width, height, filter)
                .dividedByAlpha()
        }
        return resizedPlainly(from: whole, edges, width, height, filter)
    }

    private func resizedPlainly(
        from box: PictureBox, _ width: Int, _ height: Int, _ filter: ResizeFilter
    ) -> Picture {
        resizedPlainly(from: box, (0, 0, Double(box.width), Double(box.height)), width, height, filter)
    }

    private func resizedPlainly(
        from box: PictureBox, _ edges: (Double, Double, Double, Double), _ width: Int, _ height: Int,
        _ filter: ResizeFilter
    ) -> Picture {
        precondition(width > 0 && height > 0, "a size of at least 1x1, got \(width)x\(height)")
        let columns = ResizePlan.plan(filter, size: box.width, from: edges.0, to: edges.2, outSize: width)
        let rows = ResizePlan.plan(filter, size: box.height, from: edges.1, to: edges.3, outSize: height)
        return Picture(width: width, height: height, channels: channels) { out in
            pixels.withUnsafeBufferPointer { source in
                let stride = self.width * channels
                let start = source.baseAddress.unsafelyUnwrapped + box.y * stride + box.x * channels
                let done = ccodecs_resize(
                    start, stride, Int32(channels), columns.handle, rows.handle, out.baseAddress)
                precondition(done, "out of memory in a resize to \(width)x\(height)")
            }
        }
    }

    /// Color under transparent pixels must not bleed into the visible ones.
    func multipliedByAlpha() -> Picture {
        var result = self
        result.pixels.withUnsafeMutableBufferPointer { p in
            for i in stride(from: 0, to: p.count, by: 4) {
                let alpha = Int(p[i + 3])
                for c in 0..<3 { p[i + c] = UInt8((Int(p[i + c]) * alpha + 127) / 255) }
            }
        }
        return result
    }

    func dividedByAlpha() -> Picture {
        var result = self
        result.pixels.withUnsafeMutableBufferPointer { p in
            for i in stride(from: 0, to: p.count, by: 4) where p[i + 3] != 0 {
                let alpha = Int(p[i + 3])
                for c in 0..<3 { p[i + c] = UInt8(min(255, (Int(p[i + c]) * 255 + alpha / 2) / alpha)) }
            }
        }
        return result
    }
}
