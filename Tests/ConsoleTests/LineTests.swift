import Console
import TestSupport
import Testing

@Suite struct LineTests {
    @Test func liveLinesAreRewrittenAndRemoved() {
        let recorder = Recorder()
        let line = LiveLine(recorder.output(width: 8), now: recorder.clock)
        line.show("one")
        #expect(recorder.take() == "\rone\u{1B}[K")
        line.show("too soon")
        #expect(recorder.take() == "")
        recorder.wait(1)
        line.show("longer than the terminal")
        #expect(recorder.take() == "\rlonger…\u{1B}[K")
        line.print("kept")
        #expect(recorder.take() == "\r\u{1B}[Kkept\nlonger…")
        line.clear()
        line.clear()
        #expect(recorder.take() == "\r\u{1B}[K")
        line.print("kept too")
        #expect(recorder.take() == "kept too\n")
    }

    @Test func pipesReceiveNoControlCharacters() {
        let recorder = Recorder()
        let line = LiveLine(recorder.output(interactive: false), now: recorder.clock)
        line.show("hidden")
        line.print("kept")
        line.clear()
        #expect(recorder.text == "kept\n")
    }

    @Test func progressOnATerminal() {
        let recorder = Recorder()
        let progress = ProgressLine(
            "packing", total: 202_599, unit: .things("pictures"), output: recorder.output(),
            now: recorder.clock)
        recorder.wait(3)
        progress.update(12_300)
        #expect(
            recorder.take() == "\rpacking   12,300/202,599    6 %  4,100 pictures/s  46 s left\u{1B}[K")
        recorder.wait(1)
        progress.update(202_599, note: "writing")
        #expect(
            recorder.take() == "\rpacking  202,599/202,599  100 %  50,650 pictures/s  writing\u{1B}[K")
        progress.finish("packed 202,599 pictures")
        #expect(recorder.take() == "\r\u{1B}[Kpacked 202,599 pictures\n")
    }

    @Test func progressOfAResumedDownloadInAPipe() {
        let recorder = Recorder()
        let progress = ProgressLine(
            "lfw.tgz", total: 2_000_000, unit: .bytes, startingAt: 1_000_000,
            output: recorder.output(interactive: false), now: recorder.clock)
        recorder.wait(5)
        progress.update(1_050_000)
        #expect(recorder.take() == "")
        recorder.wait(5)
        progress.update(1_100_000)
        #expect(recorder.take() == "lfw.tgz  1.1 MB/2.0 MB   55 %  10 kB/s  1 min 30 s left\n")
        progress.finish()
        #expect(recorder.take() == "")
    }

    @Test func progressWithoutATotal() {
        let recorder = Recorder()
        let progress = ProgressLine(
            "reading", total: nil, unit: .things("files"), output: recorder.output(), now: recorder.clock)
        progress.update(0)
        #expect(recorder.take() == "\rreading  0\u{1B}[K")
    }

    @Test func colors() {
        let recorder = Recorder()
        let colored = recorder.output(colors: true)
        colored.write(colored.styled("a", .red))
        #expect(recorder.take() == "\u{1B}[31ma\u{1B}[0m")
        #expect(TextWidth.columns(colored.styled("a", .red)) == 1)
        #expect(recorder.output(colors: false).styled("a", .red) == "a")
    }

    @Test func tables() {
        var table = Table(["name", "size", "about"], alignments: [.left, .right])
        table.add(["人脸", "7"])
        table.add(["celeba", "202,599", "a table whose last column is long"])
        #expect(
            table.description == """
                name       size  about
                人脸          7
                celeba  202,599  a table whose last column is long
                """)
        let recorder = Recorder()
        let colored = recorder.output(colors: true, width: 41)
        for line in table.lines(for: colored) { colored.writeLine(line) }
        #expect(
            recorder.take().split(separator: "\n") == [
                "\u{1B}[1mname       size  about\u{1B}[0m", "人脸          7",
                "celeba  202,599  a table whose last", "                 column is long",
            ])
    }
}
