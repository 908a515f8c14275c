import Datasets
import Provenance
import Synthesis

/// Datasheet of a data set: `README.md` with a header for Hugging Face, after Gebru et al. 2021, "Datasheets for datasets".
enum Datasheet {
    static let fileName = "README.md"
    /// Folder of the pictures of the datasheet.
    static let pictures = "datasheet/"
    /// Number of faces in the grid.
    static let gridCount = 64

    /// Bytes of the file.
    static func markdown(_ facts: DatasetFacts, _ summary: FaceDatasetSummary) -> [UInt8] {
        let sections = [
            header(facts, summary), motivation(facts, summary), composition(facts, summary),
            collection(facts, summary), quality(facts, summary), uses(facts), distribution(facts),
        ]
        return Array(sections.joined(separator: "\n").utf8)
    }

    private static func header(_ facts: DatasetFacts, _ summary: FaceDatasetSummary) -> String {
        let size =
            [(1000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M")]
            .first { summary.count < $0.0 }?.1 ?? "1M<n<10M"
        let folder = ImageFolderWriter.folder
        let data =
            facts.plan.formats.contains(.imageFolder)
            ? "configs:\n- config_name: default\n  data_files:\n"
                + facts.splits.map { "  - split: \($0.rawValue)\n    path: \(folder)/\($0.rawValue)/**\n" }
                .joined()
            : ""
        return """
            ---
            license: other
            license_name: \(JSONText.string(facts.plan.license))
            task_categories:
            - image-classification
            - unconditional-image-generation
            tags:
            - synthetic
            - faces
            size_categories:
            - \(size)
            pretty_name: \(JSONText.string(facts.name))
            \(data)---

            # \(line(facts.name))

            \(summary.count) generated faces of \(facts.side) x \(facts.side) pixels, with labels. No picture shows a real person.

            ![Unselected faces](\(pictures)faces.png)

            The picture shows the first \(min(gridCount, summary.count)) faces of the data set. They are not selected by hand.

            """
    }

    private static func motivation(_ facts: DatasetFacts, _ summary: FaceDatasetSummary) -> String {
        """
        ## Motivation

        The data set serves to train and test programs that process faces, without photographs of persons. \
        \(Origin.program) created it from the model `\(facts.model.isEmpty ? facts.recipe : facts.model)` (recipe \(facts.recipe)).

        """
    }

    private static func composition(_ facts: DatasetFacts, _ summary: FaceDatasetSummary) -> String {
        var text = "## Composition\n\n| | |\n|---|---|\n"
        func row(_ name: String, _ value: String) { text += "| \(name) | \(value) |\n" }
        row("pictures", "\(summary.count)")
        row(
            "identities",
            facts.plan.picturesPerIdentity == 1
                ? "\(summary.identities)"
                : "\(summary.identities), each with \(facts.plan.picturesPerIdentity) pictures")
        for split in facts.splits {
            row("part `\(split.rawValue)`", "\(summary.splits[split.rawValue] ?? 0)")
        }
        row(
            "attributes",
            "\(facts.attributes.count): sign and probability by a face network (`\(facts.networks.face.prefix(12))`)"
        )
        if !facts.requested.isEmpty { row("requested attributes", facts.requested.joined(separator: ", ")) }
        row(
            "box and 5 landmarks",
            summary.detected.map {
                "by the detector YuNet, in \($0) pictures; in pixels, from the upper left corner"
            } ?? "empty: the weights of the detector were not on the machine")
        row(
            "latents",
            [
                facts.plan.latentSpaces.contains(.z) && facts.plan.picturesPerIdentity == 1 ? "z" : nil,
                facts.w?.space,
            ].compactMap(\.self).joined(separator: ", "))
        text += "\nNo identity and no seed is in two parts. "
        if facts.plan.picturesPerIdentity > 1 {
            text +=
                "The pictures of one identity share the first \(facts.identityRows) rows of w+; the other rows are those "
                + "of another seed. "
        }
        text += "The labels of a face network are estimates.\n\n![Histograms](\(pictures)histograms.png)\n"
        if !facts.plan.balance.isEmpty {
            text += "\n| combination | identities | seen in candidates |\n|---|---|---|\n"
            let seen = max(1, summary.cells.reduce(0) { $0 + $1.seen })
            for cell in summary.cells {
                text += "| \(cell.name) | \(cell.accepted) | \(percent(Double(cell.seen) / Double(seen))) |\n"
            }
        }
        let asked = summary.frequencies.filter { $0.agreement != nil }
        if !asked.isEmpty {
            text += "\n| requested attribute | agreement of the face network |\n|---|---|\n"
            for item in asked { text += "| \(item.name) | \(percent(item.agreement ?? 0)) |\n" }
        }
        return text
    }

    private static func collection(_ facts: DatasetFacts, _ summary: FaceDatasetSummary) -> String {
        var text = """
            ## Collection

            Candidates have consecutive seeds from \(facts.plan.firstSeed). \(summary.examined) candidates were examined, \
            and \(percent(summary.acceptance)) of them are in the data set.

            | rejected because of | candidates |
            |---|---|

            """
        for reason in RejectionReason.allCases {
            text += "| \(reason.text) | \(summary.rejected[reason.rawValue] ?? 0) |\n"
        }
        text += """

            The same command with the same model, program and processor gives the same bytes:

            ```
            \(facts.lines.joined(separator: "\n"))
            ```

            """
        return text
    }

    private static func quality(_ facts: DatasetFacts, _ summary: FaceDatasetSummary) -> String {
        var text = "## Quality\n\n"
        guard let reference = facts.reference else {
            return text
                + "The pictures were not compared with photographs (`--against`). Near copies of training photographs "
                + "are possible.\n" + identities(summary)
        }
        text += """
            Compared with \(reference.count) photographs (`\(line(reference.title))`, protocol \(reference.dataProtocol)).

            | score | value | 95 % interval | pictures |
            |---|---|---|---|

            """
        for score in summary.scores {
            let interval =
                score.low.flatMap { low in score.high.map { "\(number(low)) to \(number($0))" } } ?? ""
            text +=
                "| \(score.name) | \(number(score.value)) | \(interval) | \(score.count) / \(score.referenceCount) |\n"
        }
        text += """

            A picture is a near copy if the distance of its features to a photograph is below \
            \(number(reference.limit)). \(percent(reference.quantile)) of the photographs have a nearer neighbor among \
            themselves. Near copies were removed. The smallest distance in the data set is \
            \(number(summary.smallestDistance ?? .nan)), the median of the photographs \(number(reference.median)).

            """
        return text + identities(summary)
    }

    private static func identities(_ summary: FaceDatasetSummary) -> String {
        guard let other = summary.otherIdentity else {
            return
                "\nIdentities were not measured: the weights of the identity network were not on the machine.\n"
        }
        var text = "\n| cosine of identity embeddings | mean | 5 % to 95 % | pairs |\n|---|---|---|---|\n"
        for (name, found) in [("one identity", summary.sameIdentity), ("different identities", other)] {
            guard let found else { continue }
            text +=
                "| \(name) | \(number(found.mean)) | \(number(found.low)) to \(number(found.high)) | \(found.pairs) |\n"
        }
        if let rate = summary.equalErrorRate { text += "\nEqual error rate: \(percent(rate)).\n" }
        return text
    }

    private static func uses(_ facts: DatasetFacts) -> String {
        let names = [
            FaceDatasetPlan.Format.imageFolder:
                "`datasets.load_dataset(\"imagefolder\", data_dir=\"imagefolder\")`",
            .webDataset: "`webdataset.WebDataset(\"webdataset/train-000000.tar\")`",
            .styleGAN: "`--data=stylegan/train.zip` of NVlabs' StyleGAN tools",
            .celebA:
                "`facegan train --data celeba --set data.protocol=square\(facts.side)`. The class `CelebA` of torchvision refuses it: it accepts only files "
                + "with the MD5 of the original. Boxes refer to these pictures",
        ]
        let rows = facts.plan.formats.map { "| `\($0.rawValue)/` | \(names[$0] ?? "") |" }
        return """
            ## Uses

            | folder | how to read it |
            |---|---|
            \(rows.joined(separator: "\n"))

            The faces have the distribution of the training data of the model, with its biases. Do not use them to deceive, \
            and do not use the labels to assess persons.

            """
    }

    private static func distribution(_ facts: DatasetFacts) -> String {
        """
        ## Distribution and maintenance

        License: \(line(facts.plan.license)). Whether terms of training data apply to generated pictures is an open legal \
        question. Every picture has a mark of generated media (IPTC digital source type, model, seed) in its metadata. \
        `manifest.json` lists the files with their SHA-256, `croissant.json` describes them for other programs.

        """
    }

    /// Grid of the first faces.
    static func grid(_ faces: RecordedFaces) throws -> SyntheticImage {
        let images = try (0..<min(gridCount, faces.count)).map { index in
            try faces.image(try faces.record(index))
        }
        return SyntheticImage.grid(images, columns: images.count < 8 ? images.count : 8)
    }

    // MARK: Text

    private static func number(_ value: Double) -> String {
        abs(value) >= 10 ? JSONText.number(value, decimals: 2) : JSONText.number(value)
    }

    private static func percent(_ fraction: Double) -> String {
        JSONText.number(100 * fraction, decimals: 2) + " %"
    }

    /// Text without characters that Markdown or HTML interpret.
    private static func line(_ text: String) -> String {
        String(text.unicodeScalars.map { "<>`|[]*_\\\n\r".unicodeScalars.contains($0) ? " " : Character($0) })
    }
}
