import CCodecs

extension PictureDecoder {
    private static func withJPEG<R>(
        _ bytes: UnsafeRawBufferPointer, _ body: (OpaquePointer, CodecsJPEGInfo) throws -> R
    ) throws -> R {
        var info = CodecsJPEGInfo()
        let jpeg = try calling("damaged JPEG") {
            ccodecs_jpeg_open(bytes.baseAddress, bytes.count, &info, $0, $1)
        }
        defer { ccodecs_jpeg_close(jpeg) }
        return try body(jpeg, info)
    }

    static func headerJPEG(_ bytes: UnsafeRawBufferPointer) throws -> Header {
        try withJPEG(bytes) { _, info in
            let orientation = EXIF.orientation(jpeg: bytes)
            let (w, h) = upright(Int(info.width), Int(info.height), orientation)
            return Header(format: .jpeg, width: w, height: h, orientation: orientation)
        }
    }

    static func decodeJPEG(
        _ bytes: UnsafeRawBufferPointer, _ limits: DecodeLimits, _ minimumSize: Int?
    ) throws -> Decoded {
        try withJPEG(bytes) { jpeg, info in
            try limits.check(width: Int(info.width), height: Int(info.height))
            var eighths: Int32 = 8
            var (width, height) = (info.width, info.height)
            if let minimumSize {
                for candidate: Int32 in [1, 2, 4] {
                    ccodecs_jpeg_scaled_size(jpeg, candidate, &width, &height)
                    guard min(width, height) < minimumSize else {
                        eighths = candidate
                        break
                    }
                    (width, height) = (info.width, info.height)
                }
            }
            var warnings: [String] = []
            let stored = try Picture(width: Int(width), height: Int(height), channels: Int(info.channels)) {
                out in
                let all = PictureBox(x: 0, y: 0, width: Int(width), height: Int(height))
                warnings = try read(jpeg, bytes, info, eighths, part: all, into: out)
            }
            let orientation = EXIF.orientation(jpeg: bytes)
            let (originalWidth, originalHeight) = upright(Int(info.width), Int(info.height), orientation)
            let picture = isCMYK(info) ? fromInvertedCMYK(stored) : stored
            return Decoded(
                picture: picture.oriented(orientation), format: .jpeg, warnings: warnings,
                originalWidth: originalWidth, originalHeight: originalHeight, bitDepth: 8,
                orientation: orientation, isTransparent: false)
        }
    }

    /// Decodes only the part inside `crop` and resizes it. Returns nil for rotated and CMYK pictures.
    static func decodeUprightJPEG(
        _ bytes: UnsafeRawBufferPointer, _ limits: DecodeLimits, width: Int, height: Int,
        _ filter: ResizeFilter,
        _ crop: (Int, Int) throws -> PictureBox
    ) throws -> Decoded? {
        guard EXIF.orientation(jpeg: bytes) == 1 else { return nil }
        return try withJPEG(bytes) { jpeg, info -> Decoded? in
            guard !isCMYK(info) else { return nil }
            let (fullWidth, fullHeight) = (Int(info.width), Int(info.height))
            try limits.check(width: fullWidth, height: fullHeight)
            let box = try crop(fullWidth, fullHeight)
            guard box.fits(width: fullWidth, height: fullHeight) else {
                // Throws the same error as a crop of the whole picture.
                _ = try Picture(width: 1, height: 1, channels: 1, filledWith: 0).cropped(to: box)
                return nil
            }
            var warnings: [String] = []
            // libjpeg's reduced sizes are not used, even for box filters over 2, 4 or 8 pixels: they reduce the
            // coefficients, and the result equals that of the whole picture in at most one of 4,000 photographs.
            // Columns outside the box can be uninitialized, because the resize does not read them.
            let strip = try Picture(width: fullWidth, height: box.height, channels: Int(info.channels)) {
                out in
                warnings = try read(jpeg, bytes, info, 8, part: box, into: out)
            }
            let part = PictureBox(x: box.x, y: 0, width: box.width, height: box.height)
            return Decoded(
                picture: strip.resized(from: part, width: width, height: height, filter: filter).rgb(),
                format: .jpeg, warnings: warnings, originalWidth: fullWidth, originalHeight: fullHeight,
                bitDepth: 8, orientation: 1, isTransparent: false)
        }
    }

    private static func read(
        _ jpeg: OpaquePointer, _ bytes: UnsafeRawBufferPointer, _ info: CodecsJPEGInfo, _ eighths: Int32,
        part: PictureBox, into out: UnsafeMutableBufferPointer<UInt8>
    ) throws -> [String] {
        var report = CodecsJPEGReport()
        let part = CodecsJPEGPart(
            x: UInt32(part.x), y: UInt32(part.y), width: UInt32(part.width), height: UInt32(part.height))
        try calling("damaged JPEG") { message, size in
            ccodecs_jpeg_read(
                jpeg, eighths, part, out.baseAddress, out.count, &report, message, size) ? () : nil
        }
        if report.truncated && report.nothing_intact {
            throw ImagingError(
                "truncated JPEG: the file ends before the first pixels",
                advice: "download or create the file again")
        }
        var warnings: [String] = []
        if report.truncated || !JPEGSegments.isComplete(bytes) {
            warnings.append("truncated: the file ends before the end of the picture")
        } else if report.warnings > 0 {
            warnings.append("damaged: \(String(cString: ccodecs_jpeg_complaint(jpeg)))")
        }
        if isCMYK(info) { warnings.append("CMYK converted to RGB") }
        return warnings
    }

    private static func isCMYK(_ info: CodecsJPEGInfo) -> Bool { Int(info.channels) == CODECS_JPEG_CMYK }

    static func upright(_ width: Int, _ height: Int, _ orientation: Int) -> (Int, Int) {
        orientation >= 5 ? (height, width) : (width, height)
    }

    /// Converts CMYK to RGB. Photoshop and other programs store inverted ink values, with or without Adobe's marker.
    private static func fromInvertedCMYK(_ picture: Picture) -> Picture {
        Picture(width: picture.width, height: picture.height, channels: 3) { out in
            picture.pixels.withUnsafeBufferPointer { p in
                for i in 0..<picture.width * picture.height {
                    let black = Int(p[4 * i + 3])
                    for c in 0..<3 {
                        let ink = (255 - Int(p[4 * i + c])) * black + 128
                        out[3 * i + c] = UInt8(black - ((ink >> 8) + ink) >> 8)
                    }
                }
            }
        }
    }
}

/// Sequence of the marker segments before the image data of a JPEG file. It ends at the first malformed segment.
package struct JPEGSegments: Sequence, IteratorProtocol {
    /// A marker segment.
    package struct Segment {
        /// Second byte of the marker, such as 0xE1 for APP1.
        package let marker: UInt8
        /// Byte range of the payload in the file.
        package let payload: Range<Int>
    }

    private let bytes: UnsafeRawBufferPointer
    /// Offset of the next segment; after the last segment, that of the image data.
    package private(set) var position = 2

    /// Creates a sequence.
    /// - Parameter bytes: buffer that must remain valid during the iteration.
    package init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    package mutating func next() -> Segment? {
        while position + 4 <= bytes.count, bytes[position] == 0xFF {
            let marker = bytes[position + 1]
            if marker == 0xFF {
                position += 1
                continue
            }
            // Start and end of the image data and markers without a payload end the sequence.
            guard marker != 0xDA, marker != 0xD9, marker >= 0xC0, !(0xD0...0xD7).contains(marker) else {
                return nil
            }
            let length = Int(bytes[position + 2]) << 8 | Int(bytes[position + 3])
            guard length >= 2, position + 2 + length <= bytes.count else { return nil }
            let payload = position + 4..<position + 2 + length
            position += 2 + length
            return Segment(marker: marker, payload: payload)
        }
        return nil
    }

    /// Whether an end marker follows the image data. The end marker of a thumbnail does not count.
    static func isComplete(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var segments = JPEGSegments(bytes)
        while segments.next() != nil {}
        var i = bytes.count - 2
        while i >= segments.position {
            if bytes[i] == 0xFF && bytes[i + 1] == 0xD9 { return true }
            i -= 1
        }
        return false
    }
}
