import Console
import Testing

@Suite struct ReadableTests {
    @Test(arguments: [
        (0, "0.0 s"), (0.42, "0.4 s"), (0.97, "1 s"), (12.3, "12 s"), (59.6, "1 min 00 s"),
        (245, "4 min 05 s"),
        (720, "12 min"), (3570, "1 h 00 min"), (3840, "1 h 04 min"), (86_400 * 2.125, "2 d 03 h"),
        (-1, "?"), (.nan, "?"), (.infinity, "?"), (1e300, "?"),
    ])
    func durations(_ seconds: Double, _ text: String) {
        #expect(Readable.duration(seconds) == text)
    }

    @Test(arguments: [
        (0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (1_100_000_000, "1.1 GB"), (999_600, "1.0 MB"),
        (123_456_789, "123 MB"), (.max, "9.2 EB"),
    ])
    func bytes(_ count: Int, _ text: String) {
        #expect(Readable.bytes(count) == text)
    }

    @Test func countsAndRates() {
        #expect(
            [0, 999, 1000, 202_599, -1_234_567].map { Readable.count($0) } == [
                "0", "999", "1,000", "202,599", "-1,234,567",
            ])
        #expect(Readable.count(.min) == "-9,223,372,036,854,775,808")
        #expect(Readable.count(1, "file") == "1 file")
        #expect(Readable.count(0, "file") == "0 files")
        #expect(Readable.count(2, "entry", plural: "entries") == "2 entries")
        #expect(
            [0.004, 0.52, 0.999, 9.44, 185.4, 12_345, -1].map(Readable.rate) == [
                "0.00", "0.52", "1.0", "9.4", "185", "12,345", "?",
            ])
        #expect(Readable.fixed(1.005, 2) == "1.00")
        #expect(Readable.fixed(.nan, 2) == "nan")
    }

    @Test func widths() {
        #expect(TextWidth.columns("abc") == 3)
        #expect(TextWidth.columns("人脸 é") == 6)
        #expect(TextWidth.truncated("人脸人脸", to: 6) == "人脸…")
        #expect(TextWidth.truncated("abcdef", to: 4) == "abc…")
        #expect(TextWidth.truncated("abcd", to: 4) == "abcd")
        #expect(TextWidth.truncated("abcd", to: 0) == "")
        #expect(TextWidth.padded("人", to: 4) == "人  ")
        #expect(TextWidth.wrapped("one two three", to: 7) == ["one two", "three"])
        #expect(TextWidth.wrapped("", to: 7) == [""])
    }
}
