/// Pictures that go on beyond their edges as their mirror images, without end.
enum MirrorImage {
    /// The pixel that place `index` shows, along a side of `size`; that at the edge is not repeated.
    static func pixel(_ index: Int, of size: Int) -> Int {
        let period = self.period(size)
        let place = (index % period + period) % period
        return min(place, period - place)
    }

    /// After how many pixels everything comes again.
    static func period(_ size: Int) -> Int { max(1, 2 * (size - 1)) }
}
