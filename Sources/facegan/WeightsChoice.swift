import ArgumentParser
import Checkpoints

/// Weights that generate the faces.
enum WeightsChoice: String, EnumerableFlag {
    case ema, raw

    var value: ModelWeights { self == .ema ? .average : .raw }

    static func help(for value: WeightsChoice) -> ArgumentHelp? {
        switch value {
        case .ema:
            "Use the moving average of the weights, which generates better faces; raw weights if the file has no average."
        case .raw: "Use the weights of the last training step."
        }
    }
}
