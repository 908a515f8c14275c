import Checkpoints
import Editing
import Foundation
import ModelTestSupport
import Provenance
import Synthesis
import Testing
import TestSupport

@Suite struct EditTests {
    /// A conditional direction is orthogonal to the normals of its scope, and has smaller components along the identity axes on request.
    @Test func projectionsAreOrthogonal() async throws {
        let set = try await EditFixture.style().directions()
        let space = try #require(set[.w])
        var options = EditOptions()
        options.scope = .all
        let conditional = try set.vector("Smiling", in: .w, options)
        #expect(abs(Vectors.cosine(conditional.vector, space.normals[1].vector)) < 1e-5)
        #expect(conditional.unit == nil && conditional.attribute == "Smiling")
        options.scope = .none
        let plain = try set.vector("Smiling", in: .w, options)
        #expect(plain.vector == space.normals[0].vector && plain.unit == space.normals[0].unit)
        options.keepsIdentity = true
        let kept = try set.vector("Smiling", in: .w, options)
        func identityChange(_ vector: [Float]) -> Double {
            zip(space.identityAxes, space.identityShares).reduce(0) {
                let component = Vectors.dot(vector, $1.0)
                return $0 + Double($1.1) * component * component
            }
        }
        #expect(identityChange(kept.vector) < identityChange(plain.vector) && kept.unit == nil)
        #expect(Vectors.cosine(kept.vector, plain.vector) > 0 && abs(Vectors.norm(kept.vector) - 1) < 1e-5)
        // An axis is weakened by its share: the ratio of two components changes by the ratio of their factors.
        let (a, b) = (space.identityAxes[0], space.identityAxes[1])
        let balance = DirectionSet.identityBalance
        let factors = space.identityShares.map { Double(balance / ($0 + balance)) }
        let before = Vectors.dot(plain.vector, a) / Vectors.dot(plain.vector, b)
        let after = Vectors.dot(kept.vector, a) / Vectors.dot(kept.vector, b)
        #expect(abs(after - before * factors[0] / factors[1]) < 1e-3 * abs(before))
        options = EditOptions()
        options.scope = .names(["Young"])
        #expect(try set.vector("Smiling", in: .w, options).vector == conditional.vector)
        #expect(try set.vector("sefa1", in: .w, EditOptions()).vector == space.unsupervised[0].vector)
    }

    @Test func wrongNamesAreCorrected() async throws {
        let fixture = try await EditFixture.style()
        let set = try await fixture.file().set
        func complaint(_ edits: [Edit], _ change: (inout EditOptions) -> Void = { _ in }) async -> String {
            var options = EditOptions()
            change(&options)
            let chosen = options
            do {
                _ = try await fixture.service.resolve(
                    edits, of: fixture.loaded, directions: set, options: chosen, network: fixture.face.path)
                return "nothing"
            } catch { return "\(error)" }
        }
        #expect(await complaint([Edit("Smilin", 1)]).contains("Did you mean `Smiling`?"))
        #expect(await complaint([Edit("Smiling", .infinity)]).contains("expected an amount"))
        #expect(await complaint([Edit("Smiling", 1), Edit("Smiling", 2)]).contains("appears twice"))
        #expect(await complaint([Edit("Smiling", 1)]) { $0.layers = 2...9 }.contains("range within 0-5"))
        #expect(
            await complaint([Edit("Smiling", 1)]) {
                $0.layers = 0...1
                $0.space = .z
            }.contains("only space w"))
        #expect(
            await complaint([Edit("Smiling", 1)]) { $0.scope = .names(["Nose"]) }.contains("Nose: not an"))
        let plain = try await EditFixture.dcgan()
        await #expect(throws: EditError.self) {
            try await plain.service.resolve([Edit("Smiling", 1)], of: plain.loaded, directions: nil)
        }
    }

    /// The original is at 0: the middle of a strip is the face of the seed.
    @Test func stripsBeginAtTheOriginal() async throws {
        let fixture = try await EditFixture.style()
        let file = try await fixture.file()
        let found = try await fixture.service.resolve(
            [Edit("Smiling", 40)], of: fixture.loaded, directions: file.set)
        let origins = try await fixture.service.origins(of: fixture.loaded, from: [.seed(3)], in: found.space)
        var recipe = EditRecipe(
            model: fixture.loaded, directions: file, resolved: found.edits, space: found.space,
            options: .init())
        recipe.layout = .strip(5)
        let plan = try EditPlan(origins, found.edits, recipe)
        #expect(plan.columns == 5 && plan.captions == ["-40", "-20", "0", "+20", "+40"])
        let faces = try await fixture.service.faces(of: fixture.loaded, from: plan.points.map { .point($0) })
        let own = try await fixture.service.faces(of: fixture.loaded, from: [.seed(3)])
        #expect(faces[2].picture == own[0].picture && faces[4].picture != own[0].picture)
    }

    @Test func layersLimitTheChange() throws {
        let point = try LatentPoint(.wPlus, shape: [3, 2], values: [0, 0, 1, 1, 2, 2])
        let moved = try point.moved(by: [Displacement([0.6, 0.8], distance: 10, layers: 1...1)])
        #expect(moved.values == [0, 0, 7, 9, 2, 2])
        #expect(try point.moved(by: [Displacement([1, 0], distance: 1)]).values == [1, 0, 2, 1, 3, 2])
        #expect(throws: EditError.self) { try point.moved(by: [Displacement([1], distance: 1)]) }
        #expect(throws: EditError.self) {
            try point.moved(by: [Displacement([1, 0], distance: 1, layers: 2...3)])
        }
    }

    /// Attributes of a conditional model change labels, within their range.
    @Test func conditionalModelsChangeLabels() async throws {
        let fixture = try await EditFixture.conditional()
        let found = try await fixture.service.resolve([Edit("Male", 3)], of: fixture.loaded, directions: nil)
        #expect(found.space == .z && found.edits[0].target == .label(1))
        let origins = try await fixture.service.origins(of: fixture.loaded, from: [.seed(1)], in: .z)
        #expect(try origins[0].edited(found.edits, factors: [1]).labels == [0, 1])
        #expect(try origins[0].edited(found.edits, factors: [-1]).labels == [0, -1])
        #expect(try origins[0].edited(found.edits, factors: [0.1]).labels?[1] == 0.3)
        let picture = try await fixture.picture(
            [Edit("Male", 2)], of: [.seed(1), .seed(2)], .pairs, directions: nil)
        #expect(try await fixture.replayed(picture, directions: nil) == picture)
    }

    @Test func reportsCountChanges() async throws {
        let fixture = try await EditFixture.style()
        let file = try await fixture.file()
        let found = try await fixture.service.resolve(
            [Edit("Smiling", 1)], of: fixture.loaded, directions: file.set)
        let origins = try await fixture.service.origins(
            of: fixture.loaded, from: (0..<4).map { .seed($0) }, in: found.space)
        let report = try await fixture.service.report(
            found.edits, on: origins, of: fixture.loaded, network: fixture.face.path)
        #expect(report.faces == 4 && report.targets.map(\.name) == ["Smiling"])
        #expect(report.others.map(\.name) == ["Young"] && (0...1).contains(report.leakage))
        #expect(report.identity > 0.5 && report.identity <= 1.000_01)
        let nothing = [ResolvedEdit(Edit("Smiling", 0), found.edits[0].target, attribute: "Smiling")]
        let same = try await fixture.service.report(
            nothing, on: origins, of: fixture.loaded, network: fixture.face.path)
        #expect(same.targets[0].difference == 0 && same.leakage == 0 && abs(same.identity - 1) < 1e-5)
    }

    @Test func measurementsFollowTheSteps() async throws {
        let fixture = try await EditFixture.gray()
        let deviation = try await fixture.directions().deviations.reduce(.infinity, min)
        let set = try await fixture.directions(logitsPerUnit: 0.3 * Double(deviation))
        var options = EditOptions()
        options.scope = .none
        let found = try await fixture.service.measurements(
            ["Smiling", "Young"], directions: set, options: options, faces: 4, of: fixture.loaded,
            network: fixture.face.path)
        #expect(
            found.map(\.name) == ["Smiling", "Young"]
                && found.allSatisfy { $0.space == "w" && $0.scope == "none" })
        for line in found {
            #expect((0...1).contains(line.flips) && (0...1).contains(line.leakage))
            #expect((line.units == nil) == (line.flips < EditMeasurement.wantedFlips))
            #expect(abs(line.monotonicity) <= 1)
        }
        // One of the two outputs of the untrained network follows the brightness over the whole range.
        let best = found.map(\.monotonicity).max() ?? 0
        #expect(best > 0.95, "\(found)")
    }
}

@Suite struct ReplayTests {
    /// Every layout, space and origin gives the same bytes again.
    @Test func replaysAreEqual() async throws {
        let fixture = try await EditFixture.style()
        let file = try await fixture.file()
        let seeds: [LatentSource] = [.seed(0), .seed(7), .seed(.max)]
        var identity = EditOptions()
        (identity.layers, identity.keepsIdentity, identity.scope) = (1...3, true, .none)
        var z = EditOptions()
        z.space = .z
        let one = [Edit("Smiling", 20)]
        var pictures = [
            try await fixture.picture(one, of: seeds, .pairs, directions: file),
            try await fixture.picture(one, of: [seeds[1]], .face, directions: file),
            try await fixture.picture(one, of: seeds, .strip(5), directions: file, options: identity),
            try await fixture.picture(one, of: seeds, .strip(3), directions: file, options: z),
            try await fixture.picture(one + [Edit("pca1", -3)], of: [seeds[2]], .grid(3), directions: file),
        ]
        for space in LatentPoint.Space.allCases {
            let points = try await fixture.service.points(of: fixture.loaded, seeds: [4, 5], space: space)
            pictures.append(
                try await fixture.picture(one, of: points.map { .point($0) }, .pairs, directions: file))
        }
        #expect(Set(pictures).count == pictures.count)
        for picture in pictures {
            #expect(try await fixture.replayed(picture, directions: file) == picture)
        }
    }

    @Test func singleFilesHaveTheirRecipes() async throws {
        let fixture = try await EditFixture.style()
        let file = try await fixture.file()
        let faces = try await fixture.service.editedFaces(
            of: fixture.loaded, from: [.seed(2), .seed(9)], applying: [Edit("Young", -4)], directions: file)
        for (face, seed) in zip(faces, [2, 9]) {
            let bytes = try face.png()
            #expect(
                Provenance.read(bytes)?["seeds"] == "\(seed)" && Provenance.read(bytes)?["edit"] == "Young=-4"
            )
            #expect(try await fixture.replayed(bytes, directions: file) == bytes)
        }
    }

    @Test func otherModelsAndDirectionsAreRefused() async throws {
        let fixture = try await EditFixture.style()
        let file = try await fixture.file()
        let picture = try await fixture.picture(
            [Edit("Smiling", 2)], of: [.seed(1)], .pairs, directions: file)
        let other = try await EditFixture.dcgan()
        let model = await #expect(throws: EditError.self) {
            try await other.replayed(picture, directions: nil)
        }
        #expect("\(model!)".contains("was made with the model"))
        let none = await #expect(throws: EditError.self) {
            try await fixture.replayed(picture, directions: nil)
        }
        #expect("\(none!)".contains("--directions"))
        let plain = try await fixture.service.faces(of: fixture.loaded, from: [.seed(1)])[0].png()
        let noRecipe = #expect(throws: EditError.self) { try EditRecipe(picture: plain, path: "a.png") }
        #expect("\(noRecipe!)".contains("a.png: the mark has no edit recipe"))
        #expect(throws: EditError.self) { try EditRecipe(picture: [1, 2, 3], path: "b.png") }
    }

    /// Recipes of damaged files are refused or valid; nothing traps.
    @Test func damagedRecipesAreSafe() async throws {
        let fixture = try await EditFixture.style()
        let points = try await fixture.service.points(of: fixture.loaded, seeds: [4], space: .w)
        let file = try await fixture.file()
        let picture = try await fixture.picture(
            [Edit("Smiling", 2)], of: points.map { .point($0) }, .strip(3), directions: file)
        let json = try EditRecipe(picture: picture, path: "x").json
        let face = try await fixture.service.faces(of: fixture.loaded, from: [.seed(1)])[0]
        var refused = 0
        for number in FuzzNumbers("edit-recipes", usual: 300) {
            var mutator = Mutator(seed: UInt64(number))
            let text = String(decoding: mutator.mutate(Array(json.utf8)), as: UTF8.self)
            let marked = SyntheticImage(
                picture: face.picture,
                origin: Origin(software: "x", model: "y", fields: [(EditRecipe.field, text)]))
            do {
                let recipe = try EditRecipe(picture: try marked.png(), path: "x")
                _ = try recipe.sources()
            } catch { refused += 1 }
        }
        #expect(refused > 100)
    }
}

@Suite struct StyleMixTests {
    @Test func rowsComeFromTheSource() throws {
        let target = try LatentPoint(.wPlus, shape: [3, 2], values: [0, 0, 0, 0, 0, 0], origin: "a")
        let source = try LatentPoint(.wPlus, shape: [3, 2], values: [1, 2, 3, 4, 5, 6], origin: "b")
        #expect(try StyleMix.mixed(target, source, layers: 1...2).values == [0, 0, 3, 4, 5, 6])
        #expect(try StyleMix.mixed(target, source, layers: 0...0).values == [1, 2, 0, 0, 0, 0])
        #expect(throws: EditError.self) { try StyleMix.mixed(target, source, layers: 0...3) }
        let short = try LatentPoint(.w, shape: [2], values: [1, 2])
        #expect(throws: EditError.self) { try StyleMix.mixed(target, short, layers: 0...0) }
    }

    @Test func stylesDivideTheRows() {
        #expect(StyleMix.Styles.allCases.map { $0.layers(of: 10) } == [0...3, 4...7, 8...9])
        #expect(StyleMix.Styles.allCases.map { $0.layers(of: 18) } == [0...3, 4...7, 8...17])
        #expect(StyleMix.Styles.allCases.map { $0.layers(of: 6) } == [0...3, 4...5, nil])
    }

    @Test func figuresAreReplayed() async throws {
        let fixture = try await EditFixture.style()
        var recipe = EditRecipe(
            model: fixture.loaded, directions: nil, resolved: [], space: .wPlus, options: .init())
        recipe.layout = .mix(first: 0, last: 3, columns: 2)
        let sources: [LatentSource] = [.seed(1), .seed(2), .seed(3)]
        recipe = try recipe.of(sources)
        let origins = try await fixture.service.origins(of: fixture.loaded, from: sources, in: .wPlus)
        let plan = try EditPlan(origins, [], recipe)
        // An empty corner, two sources; a target and its two mixtures.
        #expect(plan.cells.count == 6 && plan.cells[0] == nil && plan.columns == 3)
        let picture = try await fixture.service.picture(of: plan, model: fixture.loaded, recipe: recipe)
        #expect(picture.width == 3 * 18 + 2 && picture.height == 2 * 18 + 2)
        #expect(try await fixture.replayed(try picture.png(), directions: nil) == (try picture.png()))
    }
}
