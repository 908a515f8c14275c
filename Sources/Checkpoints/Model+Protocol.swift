import Datasets

extension Model {
    /// The data protocol that a model learnt under; its networks are not read.
    /// - Parameter source: a run's folder or a file of this program.
    /// - Throws: `CheckpointError` when the model does not say.
    public static func dataProtocol(of source: String) throws -> DataProtocol {
        let path = try file(of: source, .last)
        return try dataProtocol(in: try Checkpoint(path: path, sections: []).facts, of: path)
    }

    /// The same from the facts of a model that has been read.
    /// - Parameter path: its file, for errors.
    public static func dataProtocol(in facts: [String: String], of path: String) throws -> DataProtocol {
        guard let name = facts["dataProtocol"] else {
            throw CheckpointError(
                "\(path): the model does not say under which protocol its pictures were cut; align the photographs to one that"
                    + " you know (facegan align --protocol celeba64-178)")
        }
        return try DataProtocol.parse(name)
    }
}
