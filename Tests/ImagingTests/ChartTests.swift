import Imaging
import Testing

@Suite struct ChartTests {
    private func labels(_ values: [Double], log: Bool = false, isTight: Bool = false) -> [String] {
        ChartAxis(values, isLogarithmic: log, isTight: isTight, tickCount: 5).ticks.map(\.label)
    }

    @Test func ticksAreRound() {
        #expect(labels([0, 4.7]) == ["0", "1", "2", "3", "4", "5"])
        #expect(labels([0.31, 0.52]) == ["0.30", "0.35", "0.40", "0.45", "0.50", "0.55"])
        #expect(labels([-3, 3]) == ["-4", "-2", "0", "2", "4"])
        #expect(labels([0, 25_000]) == ["0", "5000", "10k", "15k", "20k", "25k"])
        #expect(labels([0, 2_000_000]) == ["0", "500k", "1.0M", "1.5M", "2.0M"])
        #expect(labels([0, 384], isTight: true) == ["0", "100", "200", "300"])
        #expect(labels([0.001, 900], log: true) == ["0.001", "0.01", "0.1", "1", "10", "100", "1000"])
        #expect(labels([0.9, 6], log: true) == ["1", "2", "3", "5"])
        #expect(labels([1e-9, 1e9], log: true) == ["1e-12", "1e-8", "0.0001", "1", "10k", "1e8", "1e12"])
    }

    @Test func positionsSpanTheAxis() {
        let axis = ChartAxis([2, 8], isTight: true, tickCount: 3)
        #expect(axis.position(2) == 0 && axis.position(8) == 1 && axis.position(5) == 0.5)
        #expect(axis.position(.nan) == nil && axis.position(.infinity) == nil)
        let log = ChartAxis([1, 100], isLogarithmic: true, isTight: true, tickCount: 3)
        #expect(log.position(10) == 0.5 && log.position(0) == nil && log.position(-1) == nil)
    }

    @Test(
        arguments: [
            [], [5], [0, 0], [7, 7, 7], [-1e300, 1e300], [.greatestFiniteMagnitude, 1],
            [.leastNonzeroMagnitude, .leastNormalMagnitude],
            [.nan, .infinity],
            [1e-300, 1e300], [-5, -1], [1e15, 1e15 + 1],
        ] as [[Double]], [false, true])
    func extremeValuesAreDrawn(values: [Double], isLogarithmic: Bool) {
        for smoothing in [0.0, 10] {
            let chart = Chart(
                title: "é", series: [.init(name: "", values: values, smoothing: smoothing)],
                isLogarithmic: isLogarithmic,
                width: 240, height: 160)
            #expect(chart.render().width == 240)
        }
    }

    @Test func linesFollowTheirValues() {
        let chart = Chart(series: [.init(name: "", values: [0, 10])], width: 300, height: 200)
        let picture = chart.render()
        var rows: [Int] = []
        for x in 0..<picture.width {
            // The center of the line has its full color.
            let hits = (0..<picture.height).filter { y in
                let i = (y * picture.width + x) * 3
                return picture.pixels[i] < 60 && picture.pixels[i + 2] > 150
            }
            if let first = hits.first, let last = hits.last { rows.append((first + last) / 2) }
        }
        #expect(rows.count > 200)
        #expect(zip(rows, rows.dropFirst()).allSatisfy { $0 >= $1 })
        #expect(rows[0] - rows[rows.count - 1] > 130)
    }

    @Test func longNamesAreTruncated() {
        let series = (0..<9).map {
            Chart.Series(name: "a very long name of a line \($0)", values: [0, Double($0)])
        }
        let chart = Chart(title: "t", xLabel: "x", yLabel: "y", series: series, width: 640, height: 300)
        let picture = chart.render()
        // The outermost columns remain white.
        for y in 0..<picture.height {
            for x in [0, 639] { #expect(picture.pixels[(y * 640 + x) * 3] == 255) }
        }
    }
}
