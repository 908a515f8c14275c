/// What can go wrong in the engine without being a mistake of the program.
public enum TorchError: Error, CustomStringConvertible, Sendable {
    /// libtorch or its door could not be loaded.
    case engineNotLoaded(String)
    /// A device ran out of memory.
    case outOfMemory(String)
    /// The engine refused what it was given by the world (a device that is not there, a state of another version).
    case refused(String)

    public var description: String {
        switch self {
        case .engineNotLoaded(let why):
            "the engine (libtorch) could not be loaded: \(why)\nRun `make setup`, or set TORCH_HOME to a PyTorch >= 2.11."
        case .outOfMemory(let why):
            "out of memory: \(why)\nUse a smaller batch (--set batchSize=...) or another device."
        case .refused(let why): why
        }
    }
}
