import Foundation
import Imaging
import Provenance
import Testing

@Suite struct ProvenanceTests {
    private let origin = Origin(
        software: "FaceGAN 0.1", model: "9f86d081884c7d65",
        fields: [("seed", "17"), ("note", "a <b> & \"c\" 'd'\n\u{1}é 🙂"), ("truncationPsi", "0.7")])

    private func image(_ value: UInt8 = 90, seed: String? = nil) -> SyntheticImage {
        SyntheticImage(
            picture: Picture(width: 24, height: 16, channels: 3, filledWith: value),
            origin: seed.map { Origin(software: "FaceGAN", model: "m", fields: [("seed", $0)]) } ?? origin)
    }

    /// A picture in which neighboring pixels differ.
    private static func pattern(_ width: Int, _ height: Int) -> Picture {
        var picture = Picture(width: width, height: height, channels: 3, filledWith: 0)
        for index in picture.pixels.indices { picture.pixels[index] = UInt8(index * index % 251) }
        return picture
    }

    @Test func everyEncoderWritesTheMark() throws {
        let files = [
            try image().png(), try image().jpeg(),
            try SyntheticImage.film([image(10), image(200)], millisecondsPerFrame: 50),
            try SyntheticImage.grid([image(), image()]).png(compression: 1),
        ]
        for file in files {
            let found = try #require(Provenance.read(file))
            #expect(found.source == .trainedAlgorithmicMedia)
            #expect(found.software == "FaceGAN 0.1" && found.model == "9f86d081884c7d65")
            #expect(found["seed"] == "17" && found["truncationPsi"] == "0.7")
            // Control characters are omitted.
            #expect(found["note"] == "a <b> & \"c\" 'd'\né 🙂")
            #expect(throws: Never.self) { try PictureDecoder.decode(file) }
        }
    }

    @Test func theMarkFollowsIPTC() throws {
        let text = String(decoding: try image().jpeg(), as: UTF8.self)
        #expect(
            text.contains(
                "Iptc4xmpExt:DigitalSourceType="
                    + "\"http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia\""))
    }

    @Test func pixelsAreUnchanged() throws {
        let picture = Self.pattern(40, 30)
        let file = try SyntheticImage(picture: picture, origin: origin).png()
        #expect(try PictureDecoder.decode(file).picture == picture)
    }

    @Test func gridsListTheirSeeds() throws {
        let seeds = ["0", "1", "2", "7", "9", "10", "x", "2"]
        let grid = SyntheticImage.grid(seeds.map { image(seed: $0) })
        #expect(grid.origin["seed"] == "0-2, 7, 9-10, x")
        #expect(grid.origin.model == "m" && grid.origin.source == .trainedAlgorithmicMedia)
        let composite = Origin(software: "FaceGAN", model: "n", source: .compositeWithTrainedAlgorithmicMedia)
        let mixed = SyntheticImage.grid([
            image(seed: "4"),
            SyntheticImage(
                picture: Picture(width: 9, height: 9, channels: 1, filledWith: 0), origin: composite),
        ])
        #expect(mixed.origin.source == .compositeWithTrainedAlgorithmicMedia)
        #expect(mixed.origin.model == "m, n" && mixed.origin["seed"] == "4")
        #expect(try Provenance.read(mixed.png()) == mixed.origin)
        #expect(
            "\(mixed.origin)" == "compositeWithTrainedAlgorithmicMedia: software FaceGAN, model m, n, seed 4")
    }

    @Test func longListsAreTruncated() throws {
        let grid = SyntheticImage.grid((0..<900).map { image(seed: String($0 * 2)) })
        let seeds = try #require(grid.origin["seed"])
        #expect(seeds.count < 2010 && seeds.hasPrefix("0, 2, 4") && seeds.hasSuffix("…"))
        #expect(throws: Never.self) { try grid.jpeg() }
    }

    @Test func unmarkedFilesHaveNoOrigin() throws {
        let picture = Picture(width: 8, height: 8, channels: 3, filledWith: 1)
        #expect(try Provenance.read(PictureEncoder.png(picture)) == nil)
        #expect(try Provenance.read(PictureEncoder.jpeg(picture, xmp: "<x:xmpmeta/>")) == nil)
        #expect(Provenance.read([]) == nil)
        #expect(Provenance.read(Array("plain text".utf8)) == nil)
    }

    @Test func marksOfOtherProgramsAreRead() throws {
        let picture = Picture(width: 8, height: 8, channels: 3, filledWith: 1)
        let type = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
        for packet in [
            "<rdf:Description "
                + "xmp:CreatorTool='Other'>\n<Iptc4xmpExt:DigitalSourceType>\(type)</Iptc4xmpExt:DigitalSourceType>"
                + "</rdf:Description>",
            "<a xmp:CreatorTool = \"Other\" ><Iptc4xmpExt:DigitalSourceType rdf:resource=\"\(type)\"/></a>",
        ] {
            let found = try #require(Provenance.read(PictureEncoder.jpeg(picture, xmp: packet)))
            #expect(found.source == .compositeWithTrainedAlgorithmicMedia && found.software == "Other")
        }
    }

    @Test func forgedPacketsAreReadWithinLimits() throws {
        let start =
            "<a Iptc4xmpExt:DigitalSourceType=\"" + "http://cv.iptc.org/newscodes/digitalsourcetype/"
            + "trainedAlgorithmicMedia\" "
        func webP(_ packet: String) -> [UInt8] {
            let length = (0..<4).map { UInt8(packet.utf8.count >> (8 * $0) & 255) }
            return Array("RIFF\0\0\0\0WEBPXMP ".utf8) + length + Array(packet.utf8)
        }
        let fields = (0..<1000).map { "facegan:f\($0)=\"\($0)\"" }.joined(separator: " ")
        let long = " facegan:" + String(repeating: "x", count: 100) + "=\"1\" "
        let found = try #require(Provenance.read(webP(start + long + fields + "/>")))
        #expect(found.fields.map(\.name) == (0..<64).map { "f\($0)" })
        let space = String(repeating: " ", count: 1 << 20)
        #expect(Provenance.read(webP(start + space + "/>")) == nil)
        #expect(Provenance.read(webP(start + space.dropLast(1000) + "/>")) != nil)
    }

    @Test func theFirstOriginOfAPNGIsReadAfterOtherPackets() throws {
        let png = try image(seed: "5").png()
        func chunk(_ text: [UInt8], isCompressed: Bool) -> [UInt8] {
            let payload = Array("XML:com.adobe.xmp\0".utf8) + [isCompressed ? 1 : 0, 0, 0, 0] + text
            let length = (0..<4).map { UInt8(payload.count >> (24 - 8 * $0) & 255) }
            return length + Array("iTXt".utf8) + payload + [0, 0, 0, 0]
        }
        let forged =
            (0..<40).flatMap { chunk([UInt8($0)], isCompressed: true) } + chunk([], isCompressed: false)
        let file = Array(png[..<33]) + forged + png[33...]
        #expect(Provenance.read(file)?["seed"] == "5")
    }

    @Test func mergedOriginsFitAPacket() {
        let origins = (0..<100).map { index in
            Origin(
                software: "a", model: String(repeating: "&", count: 9000) + "\(index)",
                fields: (0..<60).map { ("f\(index)-\($0)", String(repeating: "\"", count: 5000)) })
        }
        let merged = Origin.derived(from: origins)
        #expect(merged?.fields.count == 64)
        #expect((merged?.packet.utf8.count ?? .max) <= 1 << 20)
        #expect(merged.flatMap { Origin(packet: $0.packet) } == merged)
    }

    @Test func marksInOtherContainersAreRead() throws {
        let jpeg = try image(seed: "5").jpeg()
        let text = String(decoding: jpeg, as: UTF8.self)
        let start = try #require(text.range(of: "<?xpacket begin"))
        let end = try #require(text.range(of: "<?xpacket end=\"w\"?>"))
        let packet = Array(text[start.lowerBound..<end.upperBound].utf8)
        let tiff = Array("II*\0".utf8) + [8, 0, 0, 0] + packet + [0, 0]
        let avif = [0, 0, 0, 16] + Array("ftypavif".utf8) + [0, 0, 0, 0] + packet
        let count = packet.count
        let chunk = Array("XMP ".utf8) + [UInt8(count & 255), UInt8(count >> 8), 0, 0] + packet
        let webP = Array("RIFF\0\0\0\0WEBP".utf8) + chunk
        for file in [tiff, avif, webP] {
            #expect(Provenance.read(file)?["seed"] == "5")
            #expect(Provenance.read(Array(file.dropLast(count / 2))) == nil)
        }
        #expect(Provenance.read(Array("II*\0".utf8) + packet.dropFirst(400)) == nil)
    }

    @Test func derivedPicturesBearTheMarksOfTheirPictures() {
        let one = Origin(software: "a", model: "m", fields: [("seed", "1")])
        let two = Origin(software: "a", model: "m", fields: [("seed", "2")])
        #expect(Origin.derived(from: [nil, nil]) == nil && Origin.derived(from: []) == nil)
        #expect(Origin.derived(from: [one, two])?.source == .trainedAlgorithmicMedia)
        #expect(Origin.derived(from: [one, two])?["seed"] == "1-2")
        #expect(Origin.derived(from: [one, nil])?.source == .compositeWithTrainedAlgorithmicMedia)
    }

    @Test func truncatedFilesDoNotTrap() throws {
        for file in [try image().png(), try image().jpeg()] {
            for count in stride(from: 0, to: file.count, by: 3) {
                _ = Provenance.read(Array(file.prefix(count)))
            }
        }
        let packet = "<a b='1' c=\"2\"><d>&amp;&#x41;&#65;&bad;</d><!-- x --><e"
        for count in 0...packet.count {
            let xmp =
                String(packet.prefix(count)) + "<a Iptc4xmpExt:DigitalSourceType='/trainedAlgorithmicMedia'"
            let picture = Picture(width: 1, height: 1, channels: 1, filledWith: 1)
            _ = try Provenance.read(PictureEncoder.jpeg(picture, xmp: xmp))
        }
    }
}
