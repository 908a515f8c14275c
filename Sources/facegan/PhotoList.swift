import Datasets
import Files
import Foundation
import Imaging

/// Photographs that were named on the command line, one by one or by their folders.
struct PhotoList {
    struct Photo {
        let path: String
        /// What its results are called, without an ending; with `/` for folders inside a folder.
        let name: String

        /// Its pixels, upright, RGB.
        func picture() throws -> Picture {
            let file = try MappedFile(path: path)
            return try PictureDecoder.decode(try file.bytes(file.all)).picture.rgb()
        }
    }

    let photos: [Photo]

    /// - Throws: `CommandError` for what is not there, and for two photographs of one name.
    init(_ arguments: [String]) throws {
        var found: [Photo] = []
        for argument in arguments {
            let path = (argument as NSString).expandingTildeInPath
            var isFolder: ObjCBool = false
            guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
                throw CommandError("\(path): there is no such photograph or folder")
            }
            if isFolder.boolValue {
                let names = try FolderSource(path: path).names
                guard !names.isEmpty else {
                    throw CommandError("\(path): there are no pictures in this folder")
                }
                found += names.map {
                    Photo(path: path + "/" + $0, name: ($0 as NSString).deletingPathExtension)
                }
            } else {
                let file = (path as NSString).lastPathComponent
                found.append(Photo(path: path, name: (file as NSString).deletingPathExtension))
            }
        }
        var seen: [String: String] = [:]
        for photo in found {
            if let other = seen.updateValue(photo.path, forKey: photo.name) {
                throw CommandError(
                    "\(other) and \(photo.path): both results would be called \(photo.name): take one of "
                        + "them at a time, each into a folder of its own")
            }
        }
        photos = found
    }
}
