import FaceDatasets
import Models
import Synthesis
import TestSupport
import Testing

/// Wrong plans, and folders and models that do not fit.
@Suite struct PlanTests {
    private func plan(_ change: (inout FaceDatasetPlan) throws -> Void) rethrows -> FaceDatasetPlan {
        var plan = FaceDatasetPlan(model: "m", count: 100, folder: "f")
        try change(&plan)
        return plan
    }

    private func expectError(_ text: String, _ change: (inout FaceDatasetPlan) -> Void) {
        let error = #expect(throws: FaceDatasetError.self) { try plan(change).validate() }
        #expect(error.map { "\($0)" }?.contains(text) == true, "\(String(describing: error))")
    }

    @Test func wrongSettingsAreErrors() throws {
        try plan { _ in }.validate()
        expectError("expected 1 to 10000000 pictures, got 0") { $0.count = 0 }
        expectError("expected 1 to 64, got 65") { $0.picturesPerIdentity = 65 }
        expectError("expected a multiple of 3 pictures per identity, got 100; use 102") {
            $0.picturesPerIdentity = 3
        }
        expectError("2 or more pictures per identity") { $0.identityRows = 3 }
        expectError("formats: expected one or more") { $0.formats = [] }
        expectError("can be given once") { $0.formats = [.celebA, .celebA] }
        expectError("up to 8 different attributes") { $0.balance = ["Male", "Male"] }
        expectError("7 attributes have 128 combinations, more than the 100 identities") {
            $0.balance = (0..<7).map { "a\($0)" }
        }
        expectError("copy quantile: expected 0 to 0.5, got nan") { $0.copyQuantile = .nan }
        expectError("expected 100 or more, got 99") { $0.candidateLimit = 99 }
        expectError("leaves fewer than 10000 seeds") { $0.firstSeed = .max - 5000 }
        expectError("printable characters") { $0.name = "a\nb" }
        expectError("YEAR-MONTH-DAY") { $0.date = "today" }
        expectError("expected z and w") { $0.latentSpaces = [.wPlus] }
    }

    @Test func modelsMustFit() async throws {
        let place = try TemporaryFolder()
        let plain = try DatasetFixture.plain.get().path
        func message(_ change: (inout FaceDatasetPlan) throws -> Void) async throws -> String {
            var plan = DatasetFixture.plan(plain, place.file("set"))
            try change(&plan)
            do { _ = try await FaceDatasetBuilder(plan, threads: 1).build() } catch { return "\(error)" }
            return ""
        }
        #expect(try await message { $0.picturesPerIdentity = 2 }.contains("require a style generator"))
        #expect(try await message { $0.options.psi = 0.5 }.contains("require a style generator"))
        #expect(
            try await message { $0.balance = ["Smile"] }.contains(
                "no attribute Smile; it has 5_o_Clock_Shadow"))
        #expect(try await message { $0.requested = [("Male", true)] }.contains("no attributes to request"))
        #expect(
            try await message { $0.reference = "builtin:3" }.contains("expected 6 or more photographs, got 3")
        )
        #expect(try await message { $0.reference = plain }.contains("expected photographs, got a model"))
        #expect(
            try await message {
                $0.model = try DatasetFixture.style.get().path
                ($0.picturesPerIdentity, $0.identityRows) = (2, 64)
            }.contains("rows of w+, got 64"))
        // Nothing was written before the error.
        #expect(try place.contents().isEmpty)
    }

    @Test func foldersOfUsersAreKept() async throws {
        let place = try TemporaryFolder()
        try place.write("mine", to: "set/note.txt")
        let plan = DatasetFixture.plan(try DatasetFixture.plain.get().path, place.file("set"))
        let error = await #expect(throws: FaceDatasetError.self) {
            try await FaceDatasetBuilder(plan, threads: 1).build()
        }
        #expect("\(error!)".contains("other files"))
        #expect(try DatasetFixture.digests(place.file("set")).keys.sorted() == ["note.txt"])
    }
}
