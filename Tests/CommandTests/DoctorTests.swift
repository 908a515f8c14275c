import TestSupport
import Testing

@Suite struct DoctorTests {
    @Test func saysWhatThereIs() throws {
        let result = try Command.run("doctor")
        #expect(result.status == 0, "\(result.output)\(result.errors)")
        for text in ["processor", "engine", "libtorch 2.", "threads", "precision", "pictures", "JPEG"] {
            #expect(result.output.contains(text), "\(result.output)")
        }
    }

    /// The measured product and the training speed that follows from it agree.
    @Test func estimatesTheTrainingSpeed() throws {
        let result = try Command.run("doctor")
        let line = try #require(
            result.output.split(separator: "\n").first { $0.contains("GFLOP/s") }, "\(result.output)")
        let numbers = line.split(separator: " ")
            .compactMap { Double($0.replacing(",", with: "")) }
        let product = try #require(numbers.first)
        #expect(product > 0)
        if line.contains("images/s") {
            let rate = try #require(numbers.last)
            #expect(abs(rate * 2 / product - 1) < 0.05, "\(line)")
        } else {
            #expect(line.contains("--dry-run"))
        }
    }

    /// Without libtorch: searched places, advice, exit status 1, and the other lines of the report.
    @Test func saysWhatIsMissing() throws {
        let result = try Command.run("doctor", environment: ["FACEGAN_ENGINE": "/nowhere/engine.so"])
        #expect(result.status == 1)
        #expect(result.output.contains("not loaded"), "\(result.output)")
        #expect(result.output.contains("/nowhere/engine.so"))
        #expect(result.output.contains("What to do:"))
        #expect(result.output.contains("pictures"))
    }

    /// On the CPU, the fast kernels are compared with libtorch's.
    @Test func comparesADevice() throws {
        let result = try Command.run(
            "doctor", "self-test", "--device", "cpu", "--only", "operators", "losses", "penalties")
        #expect(result.status == 0, "\(result.output)\(result.errors)")
        for text in ["operators: products", "losses: adversarial, hinge", "penalties: R1 and R2", "0 failed"]
        {
            #expect(result.output.contains(text), "\(result.output)")
        }
        #expect(!result.output.contains("recipes:"))
    }

    /// Commands that do not need libtorch run without it.
    @Test(arguments: [["--help"], ["--version"], ["recipes"], ["recipes", "dcgan"], ["data", "--help"]])
    func worksWithoutAnEngine(arguments: [String]) throws {
        let result = try Command.run(arguments, environment: ["FACEGAN_ENGINE": "/nowhere/engine.so"])
        #expect(result.status == 0, "\(result.errors)")
    }
}
