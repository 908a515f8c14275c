import Torch

/// Means of named values over steps, kept on the device so that nothing waits for them.
struct NamedMeans {
    private let names: [String]
    // A sum and a count for each name: [names, 2].
    private let sums: Tensor

    init(_ names: [String], on device: Device) {
        self.names = names
        sums = Tensor.zeros([names.count, 2], on: device)
    }

    /// Adds values [] of a step; a step need not have all.
    func add(_ values: [String: Tensor]) {
        withoutGradients {
            for (name, value) in values {
                guard let row = names.firstIndex(of: name) else {
                    preconditionFailure("\(name): no such mean")
                }
                let value = value.detached().to(.float32)
                sums[row].add_(Tensor.stacked([value, Tensor.ones(like: value)]))
            }
        }
    }

    /// The means so far, of names that have any, and all sums back to 0.
    /// - Parameter places: where each is shown, in the order of the readings.
    func takeScalars(_ places: [(name: String, curve: String, place: (group: String, label: String))])
        -> [Scalar]
    {
        let values = sums.floats().map(Double.init)
        withoutGradients { sums.zero_() }
        return places.compactMap { name, curve, place in
            guard let row = names.firstIndex(of: name), values[2 * row + 1] > 0 else { return nil }
            return Scalar(name, curve, place, values[2 * row] / values[2 * row + 1])
        }
    }

    /// The first name whose sum is not finite; waits for the device.
    var firstNotFinite: String? {
        let values = sums.floats()
        return names.enumerated().first { !values[2 * $0.offset].isFinite }?.element
    }

    var state: [(key: String, tensor: Tensor)] { [("sums", sums)] }
}
