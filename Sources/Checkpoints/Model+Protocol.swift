import Datasets

extension Model {
    /// The data protocol that a model learnt under; its networks are not read.
    /// - Parameter source: a run's folder or a file of this program.
    /// - Throws: `CheckpointError` when the model does not say.
    public static func dataProtocol(of source: String) throws -> DataProtocol {
        let path = try file(of: source, .last)
        guard let name = try Checkpoint(path: path, sections: []).facts["dataProtocol"] else {
            throw CheckpointError(
                "\(path): the model does not say under which protocol its pictures were cut; align the photographs to one that"
                    + " you know (facegan align --protocol celeba64-178)")
        }
        return try DataProtocol.parse(name)
    }
}
