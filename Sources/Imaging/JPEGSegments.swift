/// The marker segments in front of a JPEG's picture data; stops quietly at the first thing that is none.
package struct JPEGSegments: Sequence, IteratorProtocol {
    package struct Segment {
        /// The marker's second byte, such as 0xE1 for APP1.
        package let marker: UInt8
        /// Where its payload lies in the file.
        package let payload: Range<Int>
    }

    private let bytes: UnsafeRawBufferPointer
    /// Where the walk has come to; at its end, where the picture data begin.
    package private(set) var position = 2

    /// - Parameter bytes: must outlive the walk.
    package init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    package mutating func next() -> Segment? {
        while position + 4 <= bytes.count, bytes[position] == 0xFF {
            let marker = bytes[position + 1]
            if marker == 0xFF {
                position += 1
                continue
            }
            // Start of the picture data, its end, and markers without a payload: nothing of interest follows.
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

    /// Whether the end marker follows the picture data. A thumbnail's does not count.
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

    /// EXIF's orientation, 1...8; 1 when it is missing or damaged.
    static func orientation(_ bytes: UnsafeRawBufferPointer) -> Int {
        for segment in JPEGSegments(bytes) where segment.marker == 0xE1 {
            let payload = UnsafeRawBufferPointer(rebasing: bytes[segment.payload])
            if payload.count > 6, payload[..<6].elementsEqual([0x45, 0x78, 0x69, 0x66, 0, 0]) {
                return EXIF.orientation(UnsafeRawBufferPointer(rebasing: payload[6...]))
            }
        }
        return 1
    }
}
