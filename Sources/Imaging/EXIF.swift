/// Reader of the orientation in EXIF data (a TIFF header with tags) and of the places where formats store it.
enum EXIF {
    /// Orientation of a JPEG file, 1...8; 1 if missing or invalid.
    static func orientation(jpeg bytes: UnsafeRawBufferPointer) -> Int {
        for segment in JPEGSegments(bytes) where segment.marker == 0xE1 {
            let payload = UnsafeRawBufferPointer(rebasing: bytes[segment.payload])
            if payload.count > 6, payload[..<6].elementsEqual(signature) { return orientation(payload) }
        }
        return 1
    }

    /// Orientation of a PNG file, 1...8; 1 if missing or invalid.
    ///
    /// It is in the chunk `eXIf`. Older programs wrote hexadecimal text with the key `Raw profile type exif` or
    /// `Raw profile type APP1`.
    static func orientation(png bytes: UnsafeRawBufferPointer) -> Int {
        var raw: [UInt8]?
        // Only the first profile is decompressed.
        var hasProfile = false
        for chunk in PNGChunks(bytes) {
            let payload = UnsafeRawBufferPointer(rebasing: bytes[chunk.payload])
            switch chunk.kind {
            case "eXIf": return orientation(payload)
            case "tEXt", "zTXt":
                guard !hasProfile, let end = endOfProfileKey(payload) else { continue }
                hasProfile = true
                raw = rawProfile(payload, after: end, isCompressed: chunk.kind == "zTXt")
            default: break
            }
        }
        return raw.map { $0.withUnsafeBytes { orientation($0) } } ?? 1
    }

    /// Orientation of a WebP file, 1...8; 1 if missing or invalid.
    static func orientation(webP bytes: UnsafeRawBufferPointer) -> Int {
        for chunk in WebPChunks(bytes) where chunk.kind == "EXIF" {
            return orientation(UnsafeRawBufferPointer(rebasing: bytes[chunk.payload]))
        }
        return 1
    }

    private static let signature: [UInt8] = [0x45, 0x78, 0x69, 0x66, 0, 0]

    /// Tag 0x0112 of the first directory, 1...8; 1 if missing or invalid.
    /// - Parameter bytes: EXIF data. The signature of JPEG segments may precede the TIFF header.
    static func orientation(_ bytes: UnsafeRawBufferPointer) -> Int {
        let tiff = bytes.starts(with: signature) ? UnsafeRawBufferPointer(rebasing: bytes[6...]) : bytes
        guard tiff.count >= 8 else { return 1 }
        let little: Bool
        switch (tiff[0], tiff[1]) {
        case (0x49, 0x49): little = true
        case (0x4D, 0x4D): little = false
        default: return 1
        }
        func short(_ at: Int) -> Int {
            little ? Int(tiff[at]) | Int(tiff[at + 1]) << 8 : Int(tiff[at]) << 8 | Int(tiff[at + 1])
        }
        func long(_ at: Int) -> Int {
            little ? short(at) | short(at + 2) << 16 : short(at) << 16 | short(at + 2)
        }
        let directory = long(4)
        guard directory <= tiff.count - 2 else { return 1 }
        for i in 0..<short(directory) {
            let entry = directory + 2 + 12 * i
            guard entry + 12 <= tiff.count else { return 1 }
            guard short(entry) == 0x0112 else { continue }
            // The standard type is 3 (16 bits). Some programs write 4 (32 bits).
            let value =
                switch short(entry + 2) {
                case 3: short(entry + 8)
                case 4: long(entry + 8)
                default: 1
                }
            return (1...8).contains(value) ? value : 1
        }
        return 1
    }

    /// Position of the zero byte after the key of a profile in a text chunk; nil for another key.
    private static func endOfProfileKey(_ payload: UnsafeRawBufferPointer) -> Int? {
        ["Raw profile type exif", "Raw profile type APP1"].map { Array($0.utf8) + [0] }
            .first { payload.starts(with: $0) }.map { $0.count - 1 }
    }

    /// EXIF data in a text chunk of a PNG file: a key, a zero byte, and a line feed, a name, a length and hexadecimal
    /// digits in lines. Returns nil for other text.
    private static func rawProfile(
        _ payload: UnsafeRawBufferPointer, after end: Int, isCompressed: Bool
    ) -> [UInt8]? {
        let text: [UInt8]
        if isCompressed {
            // The byte after the zero is the method of compression, 0.
            guard end + 2 <= payload.count, payload[end + 1] == 0 else { return nil }
            text = inflated(UnsafeRawBufferPointer(rebasing: payload[(end + 2)...])) ?? []
        } else {
            text = Array(payload[(end + 1)...])
        }
        let words = text.split(whereSeparator: { $0 <= 0x20 })
        guard words.count > 2, words[0].elementsEqual("exif".utf8) || words[0].elementsEqual("APP1".utf8)
        else { return nil }
        let digits = words.dropFirst(2).joined().map { Character(UnicodeScalar($0)).hexDigitValue }
        guard digits.allSatisfy({ $0 != nil }) else { return nil }
        return stride(from: 0, to: digits.count - 1, by: 2).map {
            UInt8((digits[$0] ?? 0) << 4 | (digits[$0 + 1] ?? 0))
        }
    }
}
