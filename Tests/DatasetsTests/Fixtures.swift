import Files
import Foundation
import Imaging
import TestSupport

/// Pictures and archives generated for tests.
enum Fixtures {
    /// A smooth picture determined by `seed`. Pictures with different seeds differ visibly.
    static func picture(_ seed: Int, width: Int = 40, height: Int = 40) -> Picture {
        var random = RandomStream(seed: UInt64(seed), stream: 99)
        let a = random.uniform(in: 0.05...0.4)
        let b = random.uniform(in: 0.05...0.4)
        let phase = random.uniform(in: 0...6)
        var pixels: [UInt8] = []
        for y in 0..<height {
            for x in 0..<width {
                for channel in 0..<3 {
                    let wave = sin(a * Float(x) + phase + Float(channel)) + cos(b * Float(y) - phase)
                    pixels.append(UInt8(127 + 60 * wave))
                }
            }
        }
        return Picture(width: width, height: height, channels: 3, pixels: pixels)
    }

    static func png(_ seed: Int, width: Int = 40, height: Int = 40) throws -> [UInt8] {
        try PictureEncoder.png(picture(seed, width: width, height: height))
    }

    static func jpeg(_ seed: Int, width: Int = 178, height: Int = 218) throws -> [UInt8] {
        try PictureEncoder.jpeg(picture(seed, width: width, height: height))
    }

    /// A folder with `count` pictures named `0000.png` and so on.
    static func folder(_ count: Int, width: Int = 40, height: Int = 40) throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        for i in 0..<count {
            try folder.write(png(i, width: width, height: height), to: String(format: "%04d.png", i))
        }
        return folder
    }

    /// A zip archive with stored entries, as written by `zip -0`.
    static func zip(_ files: [(name: String, bytes: [UInt8])]) -> [UInt8] {
        zip(raw: files.map { (name: Array($0.name.utf8), bytes: $0.bytes) })
    }

    /// A zip archive created on Windows, whose names have any encoding.
    static func zip(raw files: [(name: [UInt8], bytes: [UInt8])]) -> [UInt8] {
        var archive: [UInt8] = []
        var directory: [UInt8] = []
        for (name, bytes) in files {
            let offset = archive.count
            let common =
                le16(20) + le16(0) + le16(0) + le16(0) + le16(33) + le32(Int(Digest.crc32(bytes)))
                + le32(bytes.count) + le32(bytes.count) + le16(name.count) + le16(0)
            archive += le32(0x0403_4B50) + common + name + bytes
            directory +=
                le32(0x0201_4B50) + le16(20) + common + le16(0) + le16(0) + le16(0) + le32(0) + le32(offset)
            directory += name
        }
        let start = archive.count
        return archive + directory + le32(0x0605_4B50) + le16(0) + le16(0) + le16(files.count)
            + le16(files.count)
            + le32(directory.count) + le32(start) + le16(0)
    }

    /// A plain tar archive.
    static func tar(
        _ files: [(name: String, bytes: [UInt8])], links: [(name: String, target: String, kind: String)] = []
    ) -> [UInt8] {
        tar(raw: files.map { (name: Array($0.name.utf8), bytes: $0.bytes) }, links: links)
    }

    /// A plain tar archive whose names have any encoding. The kind of a link is "1" (hard) or "2" (symbolic).
    static func tar(
        raw files: [(name: [UInt8], bytes: [UInt8])],
        links: [(name: String, target: String, kind: String)] = []
    ) -> [UInt8] {
        var archive: [UInt8] = []
        let entries =
            files.map { (name: $0.name, bytes: $0.bytes, target: "", kind: "0") }
            + links.map { (name: Array($0.name.utf8), bytes: [], target: $0.target, kind: $0.kind) }
        for (name, bytes, target, kind) in entries {
            var header = [UInt8](repeating: 0, count: 512)
            func put(_ text: String, at offset: Int) {
                header.replaceSubrange(offset..<(offset + text.utf8.count), with: text.utf8)
            }
            header.replaceSubrange(0..<name.count, with: name)
            put("0000644", at: 100)
            put(String(format: "%011o", bytes.count), at: 124)
            put("00000000000", at: 136)
            put("        " + kind, at: 148)
            put(target, at: 157)
            put("ustar", at: 257)
            put("00", at: 263)
            put(String(format: "%06o", header.reduce(0) { $0 + Int($1) }) + "\0 ", at: 148)
            archive += header + bytes + [UInt8](repeating: 0, count: (512 - bytes.count % 512) % 512)
        }
        return archive + [UInt8](repeating: 0, count: 1024)
    }

    /// A gzip file with stored blocks.
    static func gzip(_ bytes: [UInt8]) -> [UInt8] {
        var file: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255]
        var start = 0
        repeat {
            let end = min(start + 65_535, bytes.count)
            let length = end - start
            file += [end == bytes.count ? 1 : 0] + le16(length) + le16(~length & 0xFFFF) + bytes[start..<end]
            start = end
        } while start < bytes.count
        return file + le32(Int(Digest.crc32(bytes))) + le32(bytes.count)
    }

    private static func le16(_ value: Int) -> [UInt8] { [UInt8(value & 255), UInt8(value >> 8 & 255)] }
    private static func le32(_ value: Int) -> [UInt8] { le16(value & 0xFFFF) + le16(value >> 16 & 0xFFFF) }
}
