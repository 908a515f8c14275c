/// The one thing wanted from EXIF data (a TIFF header with tags).
enum EXIF {
    /// Tag 0x0112 of the first directory, 1...8; 1 when it is missing or damaged.
    static func orientation(_ tiff: UnsafeRawBufferPointer) -> Int {
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
            if short(entry) == 0x0112 && short(entry + 2) == 3 {
                let value = short(entry + 8)
                return (1...8).contains(value) ? value : 1
            }
        }
        return 1
    }
}
