import Foundation
import TestSupport

/// The bytes of a file in `Tests/Goldens/Imaging`.
func golden(_ name: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: goldens("Imaging/" + name))))
}

/// The largest difference between two lists of pixels; 256 if their lengths differ.
func worstDifference(_ a: [UInt8], _ b: [UInt8]) -> Int {
    guard a.count == b.count else { return 256 }
    return zip(a, b).reduce(0) { max($0, abs(Int($1.0) - Int($1.1))) }
}
