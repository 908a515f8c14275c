/// A line chart, such as the losses of a training run, drawn as a picture.
public struct Chart: Sendable {
    /// One line.
    public struct Series: Sendable {
        /// What the legend calls it; ASCII, since the built-in font has no more.
        public var name: String
        /// In order of x. A value that is not finite interrupts the line.
        public var points: [Point]
        /// If not 0, a smoothed line is drawn over a faint one of the values themselves: the exponential moving
        /// average over about this many points.
        public var smoothing: Double

        public init(name: String, points: [Point], smoothing: Double = 0) {
            self.name = name
            self.points = points
            self.smoothing = smoothing
        }

        /// Values over 0, 1, 2 ...
        public init(name: String, values: [Double], smoothing: Double = 0) {
            self.init(
                name: name, points: values.enumerated().map { Point(x: Double($0), y: $1) },
                smoothing: smoothing)
        }
    }

    public struct Point: Sendable, Equatable {
        public var x: Double
        public var y: Double

        public init(x: Double, y: Double) {
            self.x = x
            self.y = y
        }
    }

    public var title: String
    public var xLabel: String
    public var yLabel: String
    public var series: [Series]
    /// Whether y is drawn by its logarithm; values that are not above 0 are then left out.
    public var isLogarithmic: Bool
    /// Pixels; at least 240. The default is 960.
    public var width: Int
    /// Pixels; at least 160. The default is 540.
    public var height: Int

    public init(
        title: String = "", xLabel: String = "", yLabel: String = "", series: [Series] = [],
        isLogarithmic: Bool = false, width: Int = 960, height: Int = 540
    ) {
        self.title = title
        self.xLabel = xLabel
        self.yLabel = yLabel
        self.series = series
        self.isLogarithmic = isLogarithmic
        self.width = width
        self.height = height
    }

    /// The colors of the lines in their order; told apart by color-blind readers too.
    static let colors = [0x0072B2, 0xD55E00, 0x009E73, 0xCC79A7, 0xE69F00, 0x56B4E9, 0x595959].map {
        Color($0)
    }
}
