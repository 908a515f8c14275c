extension Picture {
    /// The part of the picture inside `box`; an error if that is not inside the picture.
    public func cropped(to box: PictureBox) throws -> Picture {
        guard box.fits(width: width, height: height) else {
            throw ImagingError(
                "a crop of \(box.width)x\(box.height) at (\(box.x), \(box.y)) lies outside the picture "
                    + "of \(width)x\(height)",
                advice: "choose a protocol whose crop fits these pictures")
        }
        if box.width == width && box.height == height { return self }
        return Picture(width: box.width, height: box.height, channels: channels) { out in
            pixels.withUnsafeBufferPointer { source in
                let count = box.width * channels
                for row in 0..<box.height {
                    let start = ((box.y + row) * width + box.x) * channels
                    _ = UnsafeMutableBufferPointer(rebasing: out[row * count..<(row + 1) * count])
                        .update(fromContentsOf: source[start..<start + count])
                }
            }
        }
    }

    /// The part of the picture of the given size at (`x`, `y`); an error if that is not inside the picture.
    public func cropped(x: Int, y: Int, width: Int, height: Int) throws -> Picture {
        try cropped(to: PictureBox(x: x, y: y, width: width, height: height))
    }

    /// The mirror image, left and right swapped.
    public func flippedHorizontally() -> Picture {
        Picture(width: width, height: height, channels: channels) { out in
            pixels.withUnsafeBufferPointer { source in
                for y in 0..<height {
                    for x in 0..<width {
                        let from = (y * width + x) * channels
                        let to = (y * width + width - 1 - x) * channels
                        for c in 0..<channels { out[to + c] = source[from + c] }
                    }
                }
            }
        }
    }

    /// The picture turned upright: what EXIF's orientation 1...8 says was done by the camera is undone.
    public func oriented(_ orientation: Int) -> Picture {
        guard (2...8).contains(orientation) else { return self }
        let swapped = orientation >= 5
        let (w, h) = swapped ? (height, width) : (width, height)
        return Picture(width: w, height: h, channels: channels) { out in
            pixels.withUnsafeBufferPointer { source in
                for y in 0..<h {
                    for x in 0..<w {
                        let (sx, sy) =
                            switch orientation {
                            case 2: (width - 1 - x, y)
                            case 3: (width - 1 - x, height - 1 - y)
                            case 4: (x, height - 1 - y)
                            case 5: (y, x)
                            case 6: (y, height - 1 - x)
                            case 7: (width - 1 - y, height - 1 - x)
                            default: (width - 1 - y, x)
                            }
                        let from = (sy * width + sx) * channels
                        let to = (y * w + x) * channels
                        for c in 0..<channels { out[to + c] = source[from + c] }
                    }
                }
            }
        }
    }
}
