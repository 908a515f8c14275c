import Imaging

extension DataProtocol {
    /// The protocols that the field and this project use, by name. Any of them exists at every size that `parse` takes.
    public static let named: [String: DataProtocol] = {
        var table: [String: DataProtocol] = [:]
        for size in [32, 64, 128, 256] {
            var names = ["faces\(size)", "square\(size)", "lfw\(size)-160", "lfw\(size)-140"]
            for crop in [178, 148, 128, 108] { names.append("celeba\(size)-\(crop)") }
            for name in names { table[name] = try? parse(name) }
        }
        return table
    }()

    /// Reads a protocol's name.
    ///
    /// | name | crop |
    /// |---|---|
    /// | `celeba64-178` | center 178x178 of CelebA's aligned 178x218 |
    /// | `celeba64-148` | the box (15, 40, 163, 188) |
    /// | `celeba64-128` | progressive growing's 128x128 window around (89, 121) |
    /// | `celeba64-108` | center 108x108 |
    /// | `lfw64-160`, `lfw64-140` | center 160x160 or 140x140 of LFW's 250x250 |
    /// | `faces64`, `square64` | the largest centered square |
    ///
    /// 64 may be any power of two in 8...1024, and a crop any other centered square; `-box`, `-bilinear` or `-bicubic` at
    /// the end replaces the antialiased Lanczos filter. Throws `DataError` for anything else.
    public static func parse(_ name: String) throws -> DataProtocol {
        var parts = name.split(separator: "-", omittingEmptySubsequences: false).map(String.init)
        var filter = ResizeFilter.lanczos
        if parts.count > 1, let last = parts.last, let named = ResizeFilter(rawValue: last), named != .lanczos
        {
            filter = named
            parts.removeLast()
        }
        let family = String(parts[0].prefix { $0.isLetter })
        guard let size = Int(parts[0].dropFirst(family.count)), size.nonzeroBitCount == 1,
            (8...1024).contains(size),
            let crop = crop(family: family, detail: Array(parts.dropFirst()))
        else { throw DataError.unknownProtocol(name) }
        return DataProtocol(name: name, crop: crop, filter: filter, size: size)
    }

    private static func crop(family: String, detail: [String]) -> Crop? {
        let side = detail.count == 1 ? Int(detail[0]) : nil
        switch (family, side) {
        case ("faces", nil) where detail.isEmpty, ("square", nil) where detail.isEmpty: return .square
        case ("celeba", 148): return .box(left: 15, top: 40, right: 163, bottom: 188)
        case ("celeba", 128): return .box(left: 25, top: 57, right: 153, bottom: 185)
        case ("celeba", let side?) where (16...178).contains(side): return .center(size: side)
        case ("lfw", let side?) where (16...250).contains(side): return .center(size: side)
        default: return nil
        }
    }
}
