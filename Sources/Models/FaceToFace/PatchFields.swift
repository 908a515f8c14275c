/// Which strides of 3 x 3 convolutions see patches of a size.
public enum PatchFields {
    /// More convolutions than these are not tried.
    static let mostLayers = 9

    /// Strides, the first 2, whose receptive field is nearest to `patchSize`: the fewest layers, then the largest strides.
    public static func strides(patchSize: Int) -> [Int] {
        var best: [Int] = [2]
        func rank(_ strides: [Int]) -> (Int, Int, Int) {
            (abs(field(strides) - patchSize), strides.count, -strides.reduce(0, +))
        }
        for count in 1...mostLayers {
            for choice in 0..<(1 << (count - 1)) {
                let strides = [2] + (0..<(count - 1)).map { choice >> $0 & 1 == 1 ? 2 : 1 }
                if rank(strides) < rank(best) { best = strides }
            }
        }
        return best
    }

    /// Side of the patch that one output of 3 x 3 convolutions with these strides depends on.
    public static func field(_ strides: [Int]) -> Int {
        var (side, step) = (1, 1)
        for stride in strides {
            side += 2 * step
            step *= stride
        }
        return side
    }
}
