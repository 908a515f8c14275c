import FaceGAN
import Foundation
import TestSupport
import Testing

@Suite struct TrainTests {
    @Test func aRunLeavesWhatItsPageSays() throws {
        let run = try TinyRun.shared.get()
        let names = Set(try FileManager.default.contentsOfDirectory(atPath: run.path))
        for name in ["recipe.yaml", "run.json", "log.jsonl", "events", "previews", "checkpoints", "film.png"]
        {
            #expect(names.contains(name), "\(names)")
        }
        let log = try String(contentsOfFile: run.path + "/log.jsonl", encoding: .utf8)
        #expect(log.split(separator: "\n").count == 2)
        let previews = try FileManager.default.contentsOfDirectory(atPath: run.path + "/previews")
        #expect(previews.count >= 2)
        for name in previews {
            let origin = try #require(Provenance.read(bytes(run.path + "/previews/" + name)))
            #expect(origin.source == .trainedAlgorithmicMedia)
        }
    }

    @Test func goesOnByItself() throws {
        let run = TinyRun(folder: try TemporaryFolder())
        let first = try run.train("--steps", "2")
        #expect(
            first.status == 0 && first.errors.contains("Finished: 16 images in 2 steps"), "\(first.errors)")
        // The run directory has the other options.
        let second = try Command.run("train", "--out", run.path, "--steps", "3")
        #expect(second.status == 0, "\(second.errors)")
        #expect(second.errors.contains("resuming at step 2, 16 images"))
        #expect(second.errors.contains("Finished: 24 images in 3 steps"))
        #expect(second.output.isEmpty, "progress belongs on standard error")
    }

    @Test func anotherExperimentIsRefused() throws {
        let run = TinyRun(folder: try TemporaryFolder())
        _ = try run.train("--steps", "1")
        let other = try run.train("--steps", "2", "--seed", "5", "--set", "loss.realLabel=0.9", "batchSize=4")
        #expect(other.status == 1)
        #expect(other.errors.contains("--seed: the run has 0, the command requests 5"), "\(other.errors)")
        #expect(other.errors.contains("loss.realLabel") && other.errors.contains("batchSize: 8 → 4"))
        #expect(other.errors.contains("--restart"))
        let anew = try run.train("--steps", "1", "--seed", "5", "--restart")
        #expect(anew.status == 0, "\(anew.errors)")
    }

    @Test func dryRunShowsAndTrainsNothing() throws {
        let run = TinyRun(folder: try TemporaryFolder())
        let result = try run.train("--dry-run")
        #expect(result.status == 0, "\(result.errors)")
        #expect(try run.folder.contents() == [])
        // The output is a valid recipe.
        let yaml = result.output.components(separatedBy: "\n\n")[0]
        #expect(yaml.hasPrefix("name: dcgan\n"))
        for text in ["filters: 4", "resolution: 16", "parameters", "images/s"] {
            #expect(result.output.contains(text), "\(result.output)")
        }
        let recipe = try run.folder.write(yaml + "\n", to: "same.yaml")
        #expect(try Recipe.load(recipe).adversarial.generator[DCGANSettings.self].filters == 4)
    }
}
