import Torch

/// Random values for the augmentation of a batch. Their number per picture does not depend on the parameters.
package struct AugmentationDraws {
    /// Values per picture: at least as many as any kind of augmentation uses.
    static let (uniformCount, normalCount) = (32, 16)

    /// Values [N, 48], float64: first uniform in 0..<1, then N(0, 1).
    package let values: Tensor

    /// Draws values for a number of pictures on their device.
    package init(pictures: Int, random: RandomSource, on device: Device) {
        let uniform = Tensor.uniform([pictures, Self.uniformCount], random: random)
        let normal = Tensor.normal([pictures, Self.normalCount], random: random)
        values = Tensor.concatenated([uniform, normal], 1).to(device, .float64)
    }
}

/// Size of a picture, in pixels.
package struct PictureSize: Hashable {
    package let width, height: Int

    package init(width: Int, height: Int) { (self.width, self.height) = (width, height) }
}

/// A number that determines one change of a picture.
package protocol PictureParameter: RawRepresentable<Int>, CaseIterable, Hashable {
    /// Value that changes nothing.
    var identity: Double { get }
}

/// Parameters of N pictures.
package struct ParameterTable<Parameter: PictureParameter> {
    /// One column per parameter in the order of the cases, [N, number of cases], float64.
    package let values: Tensor

    /// Creates a table from its values.
    package init(_ values: Tensor) { self.values = values }

    /// Values [N] of one parameter.
    package subscript(parameter: Parameter) -> Tensor { values.select(1, parameter.rawValue) }

    /// Values [N, count] of successive parameters.
    func block(_ first: Parameter, _ count: Int) -> Tensor {
        values.narrow(1, start: first.rawValue, length: count)
    }
}
