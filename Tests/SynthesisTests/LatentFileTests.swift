import Files
import Synthesis
import TestSupport
import Testing
import Torch

/// Damaged latent files are rejected with the path of the file, or read as written.
@Suite struct LatentFileTests {
    @Test(arguments: [true, false]) func damagedFilesAreSafe(isOwn: Bool) throws {
        let folder = try TemporaryFolder()
        let path = folder.file("latents.safetensors")
        let values: [Float] = (0..<12).map { Float($0) / 4 }
        if isOwn {
            let points = try (0..<3).map { row in
                try LatentPoint(
                    .z, shape: [4], values: Array(values[row * 4..<row * 4 + 4]), origin: "seed \(row)")
            }
            try LatentFile(points, model: "abc").write(to: path)
        } else {
            try SafetensorsWriter.write(
                path: path,
                entries: [
                    .init(
                        name: "w", dtype: .f32, shape: [3, 4],
                        bytes: values.flatMap { value in
                            withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) }
                        })
                ])
        }
        let original = try LatentFile(path: path)
        let bytes = try MappedFile(path: path).bytes(0..<MappedFile(path: path).count)
        var (rejected, read) = (0, 0)
        for number in FuzzNumbers(isOwn ? "latents" : "foreign-latents", usual: 200) {
            var mutator = Mutator(seed: UInt64(number))
            let mutated = mutator.mutate(bytes)
            try folder.write(mutated, to: "latents.safetensors")
            do {
                let file = try LatentFile(path: path)
                #expect(
                    file.points.allSatisfy { $0.values.count == $0.shape.reduce(1, *) }, "mutation \(number)")
                // Without its format and its checksum, a file is one of another program.
                let header = try SafetensorsFile(path: path)
                if isOwn, header.digest != nil || header.metadata["format"] == "facegan latents 1" {
                    #expect(file == original, "mutation \(number)")
                }
                read += 1
            } catch let error as SynthesisError {
                #expect(error.description.hasPrefix(path), "mutation \(number)")
                rejected += 1
            } catch let error as FileError {
                #expect(error.path == path, "mutation \(number)")
                rejected += 1
            }
        }
        #expect(rejected > 0)
        #expect(isOwn || read > 0)
    }
}
