import Foundation

/// A resize filter as a table, for places that do not lie on a grid.
struct ResizeKernel: Sendable {
    /// In pixels of the coarser side.
    let reach: Float
    private let values: [Float]
    private static let steps = 512

    init(_ filter: ResizeFilter) {
        let reach =
            switch filter {
            case .box: 0.5
            case .bilinear: 1.0
            case .bicubic: 2.0
            case .lanczos: 3.0
            }
        self.reach = Float(reach)
        // Two more, for the interpolation at the end.
        values = (0...Int(reach * Double(Self.steps)) + 2).map { index in
            let x = Double(index) / Double(Self.steps)
            return x > reach ? 0 : Float(Self.value(filter, x))
        }
    }

    /// The weight at a distance; between the table's entries along lines.
    @inline(__always)
    func callAsFunction(_ distance: Float, _ table: UnsafeBufferPointer<Float>) -> Float {
        let x = distance.magnitude
        guard x <= reach else { return 0 }
        let place = x * Float(Self.steps)
        let index = Int(place)
        return table[index] + (table[index + 1] - table[index]) * (place - Float(index))
    }

    func withTable<R>(_ body: (UnsafeBufferPointer<Float>) -> R) -> R {
        values.withUnsafeBufferPointer(body)
    }

    private static func value(_ filter: ResizeFilter, _ x: Double) -> Double {
        func sinc(_ x: Double) -> Double {
            // At whole numbers exactly 0, so that a picture that stays in its place stays as it is.
            x == 0 ? 1 : x == x.rounded() ? 0 : sin(.pi * x) / (.pi * x)
        }
        switch filter {
        case .box: return 1
        case .bilinear: return 1 - x
        case .bicubic: return x < 1 ? (1.5 * x - 2.5) * x * x + 1 : ((-0.5 * x + 2.5) * x - 4) * x + 2
        case .lanczos: return sinc(x) * sinc(x / 3)
        }
    }
}
