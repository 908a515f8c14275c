import Torch

/// Distribution of the initial values of a weight.
public enum Initializer: Sendable, Equatable {
    /// Zeros.
    case zeros
    /// One value for every element.
    case constant(Double)
    /// Normal with mean 0 and this standard deviation; DCGAN uses 0.02.
    case normal(deviation: Double)
    /// Uniform with variance 2 gain² / (fanIn + fanOut) (Glorot and Bengio 2010).
    case xavierUniform(gain: Double = 1)
    /// Normal with variance 2 gain² / (fanIn + fanOut) (Glorot and Bengio 2010).
    case xavierNormal(gain: Double = 1)
    /// Uniform with variance 2 / ((1 + slope²) fanIn), for a leaky ReLU of this slope (He et al. 2015).
    case heUniform(slope: Double = 0)
    /// Normal with variance 2 / ((1 + slope²) fanIn), for a leaky ReLU of this slope (He et al. 2015).
    case heNormal(slope: Double = 0)
    /// A (semi-)orthogonal matrix [out, in * ...] times gain (Saxe et al. 2013).
    case orthogonal(gain: Double = 1)

    /// Default of PyTorch for linear and convolution layers: He uniform with slope sqrt(5).
    public static let pytorch = Initializer.heUniform(slope: 5.0.squareRoot())

    /// Fills `tensor` [out, in, ...] in place.
    ///
    /// The values depend on the state of `random` and the shape, not on device or memory format.
    public func fill(_ tensor: Tensor, random: RandomSource) {
        let (fanIn, fanOut) = Self.fans(tensor.shape)
        withoutGradients {
            switch self {
            case .zeros: tensor.zero_()
            case .constant(let value): tensor.fill_(value)
            case .normal(let deviation):
                Self.fillDense(tensor) { $0.normal_(deviation: deviation, random: random) }
            case .xavierUniform(let gain):
                uniform(tensor, deviation: gain * (2 / (fanIn + fanOut)).squareRoot(), random)
            case .xavierNormal(let gain):
                let deviation = gain * (2 / (fanIn + fanOut)).squareRoot()
                Self.fillDense(tensor) { $0.normal_(deviation: deviation, random: random) }
            case .heUniform(let slope):
                uniform(
                    tensor, deviation: (2 / (1 + slope * slope)).squareRoot() / fanIn.squareRoot(), random)
            case .heNormal(let slope):
                let deviation = (2 / (1 + slope * slope)).squareRoot() / fanIn.squareRoot()
                Self.fillDense(tensor) { $0.normal_(deviation: deviation, random: random) }
            case .orthogonal(let gain): Self.fillDense(tensor) { Self.orthogonal($0, gain, random) }
            }
        }
    }

    /// Fan-in and fan-out of a weight of shape [out, in, kernel...]: in and out, each times the kernel size.
    public static func fans(_ shape: [Int]) -> (fanIn: Double, fanOut: Double) {
        guard shape.count >= 2 else { return (Double(shape.first ?? 1), Double(shape.first ?? 1)) }
        let field = Double(shape.dropFirst(2).reduce(1, *))
        return (Double(shape[1]) * field, Double(shape[0]) * field)
    }

    private func uniform(_ tensor: Tensor, deviation: Double, _ random: RandomSource) {
        let bound = 3.0.squareRoot() * deviation
        Self.fillDense(tensor) { $0.uniform_(-bound, bound, random: random) }
    }

    /// Fills a row-major copy on the CPU, so that the values do not depend on device or memory format.
    static func fillDense(_ tensor: Tensor, _ draw: (Tensor) -> Void) {
        let dense = Tensor.zeros(tensor.shape)
        draw(dense)
        tensor.copy_(dense)
    }

    private static func orthogonal(_ tensor: Tensor, _ gain: Double, _ random: RandomSource) {
        let shape = tensor.shape
        let rows = shape[0]
        let columns = tensor.count / rows
        var flat = Tensor.normal([rows, columns], random: random)
        if rows < columns { flat = flat.transposed(0, 1) }
        let (q, r) = flat.qr()
        // Signs of the diagonal make the result uniform over orthogonal matrices.
        var matrix = q * r.diagonal().sign()
        if rows < columns { matrix = matrix.transposed(0, 1) }
        tensor.copy_(matrix.reshape(shape) * gain)
    }
}
