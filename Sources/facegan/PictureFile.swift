import ArgumentParser
import Files
import Provenance

/// Where a generated picture goes, and in which format.
struct PictureFile {
    enum Format: String, ExpressibleByArgument, CaseIterable {
        case png, jpeg

        /// What the names of its files end in.
        var ending: String { self == .png ? "png" : "jpg" }
    }

    let path: String
    let format: Format

    /// - Parameter format: nil goes by the name.
    /// - Throws: `ValidationError` when name and format are at odds.
    init(path: String, format: Format?) throws {
        let name = path.split(separator: "/").last ?? ""
        let ending = name.contains(".") ? name.split(separator: ".").last.map { $0.lowercased() } : nil
        let named: [String: Format] = ["png": .png, "jpg": .jpeg, "jpeg": .jpeg]
        if let ending, let known = named[ending] {
            guard format == nil || format == known else {
                throw ValidationError("--format \(format!.rawValue), but --out \(path) ends in .\(ending).")
            }
            self.format = known
        } else if let format {
            self.format = format
        } else {
            throw ValidationError(
                "\(path): the name should end in .png or .jpg; for a folder, in / (--out \(path)/).")
        }
        self.path = path
    }

    /// Writes the file: whole or not at all.
    func write(_ image: SyntheticImage) throws {
        try AtomicFile.write(format == .png ? try image.png() : try image.jpeg(), to: path, durably: false)
    }
}
