import ArgumentParser
import Checkpoints
import Torch

/// Which state of a restorer, and which of its two stages.
struct StageOptions: ParsableArguments {
    @Option(help: "0 for the weights of before the critic, 1 for the newest, or a mixture.")
    var strength = 1.0

    @Flag(help: "The state with the best score instead of a run's newest one.")
    var best = false

    func validate() throws {
        if !(0...1).contains(strength) {
            throw ValidationError("--strength: expected 0 to 1, got \(strength).")
        }
    }

    func load(_ model: String, device: Device) throws -> RestorationModel {
        try RestorationModel(model, state: best ? .best : .last, strength: strength, device: device)
    }
}
