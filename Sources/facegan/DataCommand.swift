import ArgumentParser

/// `facegan data …`: everything about pictures before training.
struct DataCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "data",
        abstract: "Look at, check, pack and fetch pictures.",
        discussion: """
            A SOURCE is a folder of pictures, a zip or tar archive (.zip, .tar, .tgz) of one, a packed store that \
            'data prepare' wrote, or built-in faces, which need no files at all: builtin:2000, or builtin:2000@7 for \
            those of seed 7.

            CelebA is recognized by its label files (list_attr_celeba.txt and the others, beside the pictures or in \
            Anno/ and Eval/), LFW by its folder for every person, FFHQ and the like by NVlabs' dataset.json.
            """,
        subcommands: [
            DataDownload.self, DataDoctor.self, DataPreview.self, DataPrepare.self, DataMeasure.self,
        ])
}
