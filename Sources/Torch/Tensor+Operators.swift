// Arithmetic operators; shapes broadcast as in PyTorch.

extension Tensor {
    public static func + (a: Tensor, b: Tensor) -> Tensor { op("add.Tensor", [a, b], #fileID, #line) }
    public static func - (a: Tensor, b: Tensor) -> Tensor { op("sub.Tensor", [a, b], #fileID, #line) }
    public static func * (a: Tensor, b: Tensor) -> Tensor { op("mul.Tensor", [a, b], #fileID, #line) }
    public static func / (a: Tensor, b: Tensor) -> Tensor { op("div.Tensor", [a, b], #fileID, #line) }
    public static func + (a: Tensor, b: Double) -> Tensor { op("add.Scalar", [a, b], #fileID, #line) }
    public static func - (a: Tensor, b: Double) -> Tensor { op("sub.Scalar", [a, b], #fileID, #line) }
    public static func * (a: Tensor, b: Double) -> Tensor { op("mul.Scalar", [a, b], #fileID, #line) }
    public static func / (a: Tensor, b: Double) -> Tensor { op("div.Scalar", [a, b], #fileID, #line) }
    public static func + (a: Double, b: Tensor) -> Tensor { op("add.Scalar", [b, a], #fileID, #line) }
    public static func - (a: Double, b: Tensor) -> Tensor { op("rsub.Scalar", [b, a], #fileID, #line) }
    public static func * (a: Double, b: Tensor) -> Tensor { op("mul.Scalar", [b, a], #fileID, #line) }
    public static prefix func - (a: Tensor) -> Tensor { op("neg", [a], #fileID, #line) }
}
