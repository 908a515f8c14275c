import FaceGAN
import Foundation
import TestSupport
import Testing

/// Values and files of random command lines.
enum FuzzInputs {
    /// Stands for the byte E9, which is not UTF-8.
    static let rawByte: Unicode.Scalar = "\u{FFFD}"

    static let smallNumbers = ["0", "1", "2", "3", "4", "8", "16", "0.5", "1.5", "-1"]
    static let numbers = [
        "0", "-0", "-1", "1", "7", "0.001", "-0.5", "1e-320", "9223372036854775807", "-9223372036854775808",
        "9223372036854775808", "18446744073709551615", "18446744073709551616", "2147483648", "4294967296",
        "1e17", "1e19", "1e308", "1e309", "-1e308", "nan", "inf", "-inf", "0x10", "1,5", "1e", "", "ten", "٣",
    ]
    static let texts = [
        "", " ", "-", "--", "---", "-x", "--nonsense", "a b", "a'b", "a\"b", "é", "人脸", "\u{1B}[31mred",
        "bell\u{7}",
        "line\nline", "%s%n%d", "$HOME", "..", ".", "/", "a=b", "=", ",", ":", "caf\u{FFFD}",
        "\u{202E}txt.exe",
        "null", "~", "[", "{}", String(repeating: "long", count: 1200),
    ]
    static let outputs = [
        "out", "out/", "a/b/out", "out.png", "out.jpg", "out.mp4", "out.json", "out.html", "out.faces",
        "out.safetensors",
        "runs/mine", "resumed", "note.txt", "note.txt/out", "folder", "folder/", "folder/out.png", "fifo", "",
        ".",
        "/dev/null", "/dev/full", "/dev/stdout", "\u{1B}[31mout", "out\u{7}", "caf\u{FFFD}.png", "--out", "-",
        String(repeating: "n", count: 300),
    ]
    static let outputTopics: Set<String> = ["out", "html", "json", "save-latents", "quarantine", "to"]
    static let addresses = [
        "http://127.0.0.1:9/x", "https://127.0.0.1:9/x", "ftp://127.0.0.1:9/x", "file:///etc/hostname", "",
        "x",
    ]

    static let pictures = [
        "faces", "faces/0.png", "faces/3.jpg", "mixed", "odd", "empty", "broken.png", "missing.png",
    ]
    static let sets = [
        "faces", "mixed", "odd", "empty", "faces.faces", "broken.faces", "labeled.zip", "lfw.tgz",
        "ustar.tar", "run",
        "note.txt", "missing",
    ]
    static let models = [
        "run", "conditional", "dfl", "superres", "convert", "half.safetensors", "broken.safetensors",
        "netG.pth",
        "latents.safetensors", "run/checkpoints/last.safetensors", "note.txt", "faces", "missing",
    ]
    static let recipes = [
        "run/recipe.yaml", "conditional/recipe.yaml", "dfl/recipe.yaml", "superres/recipe.yaml",
        "convert/recipe.yaml",
        "broken.yaml", "note.txt", "missing.yaml",
    ]
    static let files = sets + models + recipes + pictures
    static let sources = [
        "builtin:8", "builtin:16@3", "builtin:0", "builtin:-1", "builtin:x", "builtin:", "builtin:8@",
        "builtin:8@-1",
        "builtin:99999999999999999999", "builtin:9223372036854775807", "/dev/null", "@/faces/",
        "@//faces.faces", "fifo",
        "dcgan", "celeba64",
    ]
    private static let latents = ["latents.safetensors", "broken.safetensors", "run", "note.txt"]

    /// Inputs by the name of an option or argument.
    static let fileTopics: [String: [String]] = [
        "source": sets, "data": sets, "against": sets, "face": sets,
        "store": ["faces.faces", "broken.faces", "run"],
        "model": models, "from": models, "run": models, "file": models, "as": models, "photos": pictures,
        "recipe": recipes, "latents": latents, "source-latents": latents, "target-latents": latents,
        "directions": models, "network": models,
        "exclude": ["note.txt", "faces", "missing"],
    ]

    /// Values by the name of an option, except files.
    static func pool(_ topic: String) -> [String]? { pools[topic] }

    private static let pools: [String: [String]] = [
        "preset": ["small", "tiny", "large", "", "x"],
        "protocol": [
            "faces16", "faces32", "faces0", "faces-1", "faces99999999999", "celeba64-178", "lfw64-160",
            "auto", "x", "",
            "celeba64", "celeba64-0", "faces16-8",
        ],
        "metrics": [
            "swd", "fid", "kid", "swd,fid", "swd,", ",", "accuracy", "none", "all", "x", "psnr,ssim",
            "precision",
        ],
        "attr": [
            "Smiling=1", "Male=0", "Smiling=yes,Male=no", "Smiling", "Smiling=", "=1", "Nose=1",
            "Smiling=1,Smiling=0", "Smiling=1e9",
        ],
        "balance": ["Male", "Male,Young", "Male,Male", "Nose", ",", ""],
        "splits": ["80/10/10", "100", "90/10", "0/0/100", "50/60/-10", "/", "1e2", ""],
        "date": ["2026-11-28", "2026-1-1", "today", ""],
        "format": ["imagefolder", "webdataset,stylegan", "celeba", "imagefolder,imagefolder", "x", ""],
        "by": ["Smiling", "Male", "Nose", ""],
        "attribute": ["Smiling", "Male", "Nose", ""],
        "set": [
            "batchSize=4", "resolution=16", "generator.filters=4", "training.metrics=swd",
            "training.metrics=fid",
            "batchSize=0", "batchSize=-1", "batchSize=9223372036854775807", "batchSize=1e17", "batchSize=nan",
            "batchSize",
            "=4", "resolution=8", "resolution=12", "resolution=1048576", "generator.kind=resnet",
            "generator.kind=x",
            "generator.latent.size=0", "loss.kind=hinge", "training.scoreKimg=0.001",
            "training.previewCount=1000000",
            "training.saveMinutes=0", "training.saveMinutes=inf", "optimizer.learningRate=1e308",
            "data.protocol=faces16",
            "data.crop=2", "a.b.c.d=1", "[]=1", "generator={}", "generator=[", "name=../x", "name=a/b",
            "phases.0=1",
            "Smiling=+2", "Male=1,Young=-1", "sefa1=0.5", "growth.startSide=4",
            "conditions.attributes=[Nose]", "input.scale=3", "seed=1", "x=\u{FFFD}",
        ],
        "path=value": ["batchSize=4"],
        "seeds": [
            "0", "0-3", "5-3", "1,,2", "-5", "0-18446744073709551615", "18446744073709551615", "1,2,9",
            "0-1000000", "x", "1-", "",
        ],
        "sha256": [String(repeating: "0", count: 64), "0", "", "x"],
        "keys": ["inception", "yunet", "facenet", "x", ""],
        "name": ["dcgan", "wgan-gp", "superres", "x", "../dcgan", ""],
        "subcommands": ["train", "data", "doctor", "x"],
    ]

    /// Writes all files. Runs are those of the other tests.
    static func write(to folder: TemporaryFolder) throws {
        func copy(_ path: String, to name: String) throws {
            try FileManager.default.copyItem(atPath: path, toPath: folder.file("inputs/" + name))
        }
        for index in 0..<5 {
            let pixels = (0..<768).map { UInt8(truncatingIfNeeded: $0 * (index + 2) / 3) }
            let picture = Picture(width: 16, height: 16, channels: 3, pixels: pixels)
            let name = index < 3 ? "\(index).png" : "\(index).jpg"
            let content = try index < 3 ? PictureEncoder.png(picture) : PictureEncoder.jpeg(picture)
            try folder.write(content, to: "inputs/faces/" + name)
            try folder.write(content, to: "inputs/mixed/" + name)
        }
        let png = bytes(folder.file("inputs/faces/0.png"))
        try folder.write(Array(png.prefix(60)), to: "inputs/broken.png")
        try folder.write(Array(png.prefix(60)), to: "inputs/mixed/cut.png")
        try folder.write("not a picture", to: "inputs/mixed/text.png")
        try folder.write([], to: "inputs/mixed/nothing.jpg")
        try folder.write("a note\n", to: "inputs/note.txt")
        try folder.write("name: [\nbatchSize: many\n", to: "inputs/broken.yaml")
        try FileManager.default.createDirectory(
            atPath: folder.file("inputs/empty"), withIntermediateDirectories: true)
        let odd =
            "mkdir odd; for name in 'caf\\351' 'red\\033[31m' 'new\\nline'; do cp faces/0.png \"odd/$(printf \"$name\").png\"; done"
        _ = try runProcess("/bin/sh", ["-c", odd], folder: folder.file("inputs"))
        try copy(goldens("Datasets/labelled.zip"), to: "labeled.zip")
        try copy(goldens("Datasets/lfw.tgz"), to: "lfw.tgz")
        try copy(goldens("Files/ustar.tar"), to: "ustar.tar")
        try copy(goldens("Command/netG.pth"), to: "netG.pth")
        try copy(TinyRun.shared.get().path, to: "run")
        try copy(ConditionalTests.shared.get().file("run"), to: "conditional")
        for name in ["dfl", "superres", "convert"] {
            try copy(FaceToFaceTests.shared.get().file(name), to: name)
        }
        let inputs = folder.file("inputs")
        for line in [
            ["data", "prepare", "builtin:24", "--protocol", "faces16", "--out", inputs + "/faces.faces"],
            ["export", inputs + "/run", "--half", "--out", inputs + "/half.safetensors"],
            [
                "generate", inputs + "/run", "--seeds", "0-3", "--out", inputs + "/four.png",
                "--save-latents", inputs + "/latents.safetensors",
            ],
        ] {
            let made = try Command.run(line)
            #expect(made.status == 0, "\(made.errors)")
        }
        var mutator = Mutator(seed: 4)
        for name in ["half.safetensors", "faces.faces"] {
            let broken = mutator.mutate(bytes(folder.file("inputs/" + name)))
            try folder.write(
                broken, to: "inputs/broken" + (name.hasPrefix("half") ? ".safetensors" : ".faces"))
        }
    }
}
