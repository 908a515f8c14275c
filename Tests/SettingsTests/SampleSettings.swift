import Settings

/// Sample settings with every kind of field.
struct Sample: SettingsGroup, Equatable {
    var name = "sample"
    var network = Network()
    var optimizer = Optimizer()
    var training = Training()
    var penalties: [Penalty] = []

    mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.text("name", &name, "What the run is called.")
        try v.group("network", &network, "The generator.")
        try v.group("optimiser", &optimizer, "Adam for both networks.")
        try v.group("training", &training, "The schedule.")
        try v.groups("penalties", &penalties, "Penalties on the discriminator.")
    }
}

struct Network: SettingsGroup, Equatable {
    enum Kind: String, CaseIterable, Sendable { case dcgan, dense = "dcgan-dense" }
    var kind = Kind.dcgan
    var size = 64
    var filters = 64
    var stem = [4, 4, 512]

    mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.choice("kind", &kind, "Which architecture.")
        try v.integer("size", &size, in: 8...1024, "Width and height in pixels.")
        switch kind {
        case .dcgan: try v.integer("filters", &filters, in: 1...4096, "Channels of the last layer.")
        case .dense: try v.integers("stem", &stem, in: 1...4096, "Shape of the dense stem.")
        }
        try v.check(size % 4 == 0, "size", "a size that 4 divides")
    }
}

struct Optimizer: SettingsGroup, Equatable {
    var learningRate = 2e-4
    var betas = [0.5, 0.999]
    var clipNorm = Double.infinity
    var fused = true

    mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.number("learningRate", &learningRate, in: 0...1, "Step size of Adam.")
        try v.numbers("betas", &betas, in: 0...1, "Decay of the two moments.")
        try v.number("clipNorm", &clipNorm, in: 0...(.infinity), "Longest gradient; .inf does not clip.")
        try v.flag("fused", &fused, "One kernel for all parameters.")
        try v.check(betas.count == 2, "betas", "two numbers")
    }
}

struct Training: SettingsGroup, Equatable {
    var batch = 64
    var kimg = 100.0
    var tags: [String] = []

    mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.integer("batch", &batch, in: 1...4096, "Images per step.")
        try v.number("kimg", &kimg, in: 0...1e9, "Thousands of images to show.")
        try v.texts("tags", &tags, "Free words for the logs.")
    }
}

struct Penalty: SettingsGroup, Equatable {
    enum Kind: String, CaseIterable, Sendable { case r1, gradient }
    var kind = Kind.r1
    var weight = 10.0

    mutating func fields(_ v: inout some FieldVisitor) throws {
        try v.choice("kind", &kind, "Which penalty.")
        try v.number("weight", &weight, in: 0...1e6, "Its weight in the loss.")
    }
}

/// Text of the error from reading a document.
func problem(_ yaml: String, set overrides: [String] = []) -> String {
    do {
        let value = try SettingsDocument.decode(Sample.self, yaml: yaml, path: "r.yaml", overrides: overrides)
        return "accepted: \(value)"
    } catch {
        return "\(error)"
    }
}

func decode(_ yaml: String, set overrides: [String] = []) throws -> Sample {
    try SettingsDocument.decode(yaml: yaml, path: "r.yaml", overrides: overrides)
}
