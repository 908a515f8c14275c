import Foundation

/// Weights that come with the program, in the folder `Weights` of its sources or of its bundle.
public enum BundledWeights {
    /// - Throws: `WeightsError` with where was looked.
    public static func path(of file: String) throws -> String {
        let files = FileManager.default
        var folders = ProcessInfo.processInfo.environment["FACEGAN_WEIGHTS"].map { [$0] } ?? []
        // The program lies in a bundle or in the build folder of this package or of one that depends on it.
        var place = Bundle.main.executableURL?.resolvingSymlinksInPath().deletingLastPathComponent()
        for _ in 0..<5 {
            guard let folder = place, folder.path != "/" else { break }
            folders += [folder.path + "/Weights", folder.path + "/checkouts/FaceGAN/Weights"]
            place = folder.deletingLastPathComponent()
        }
        for folder in folders where files.fileExists(atPath: folder + "/" + file) {
            return folder + "/" + file
        }
        throw WeightsError(
            "\(file): the weights that come with the program are missing (looked in \(folders.joined(separator: ", ")));"
                + " set FACEGAN_WEIGHTS to the folder that holds them")
    }
}
