/// All random properties of a face.
///
/// Traits are sampled one after the other with probabilities that depend on earlier traits, so that faces are
/// plausible: hair color depends on skin tone and age, beards on sex, make-up on sex and age.
struct FaceTraits: Sendable {
    enum HairStyle: Sendable { case bald, buzzed, short, swept, curly, bob, long, ponytail, bun }
    enum HairTexture: Sendable { case straight, wavy, curly }
    enum HairColor: Sendable { case black, brown, blond, gray, red }
    enum Bangs: Sendable { case none, full, side }
    enum Glasses: Sendable { case none, clear, sun }
    enum Hat: Sendable { case none, beanie, cap, brimmed }
    enum Clothes: Sendable { case crew, vNeck, shirt, suit, turtleneck }
    enum Backdrop: Sendable { case plain, gradient, bokeh, window }

    // Person.
    var isMale = false
    var age: Float = 30
    var tone: Float = 0.2  // skin: 0 the palest, 1 the darkest
    var warmth: Float = 0  // skin hue, -1 rosy to 1 olive
    var isYoung: Bool { age < 46 }

    // Head shape, mostly standard normal numbers or 0...1.
    var headWidth: Float = 0
    var headLength: Float = 0
    var jawWidth: Float = 0
    var jawSquare: Float = 0
    var chin: Float = 0
    var chubbiness: Float = 0
    var doubleChin: Float = 0
    var cheekbones: Float = 0
    var isOval = false

    // Features.
    var eyeSize: Float = 0
    var eyeOpen: Float = 1
    var eyeTilt: Float = 0
    var eyeSpacing: Float = 0
    var iris: Int = 0
    var gazeX: Float = 0
    var gazeY: Float = 0
    var bags: Float = 0
    var browThickness: Float = 0.4
    var browArch: Float = 0.3
    var browTilt: Float = 0
    var noseSize: Float = 0
    var noseWidth: Float = 0
    var nosePoint: Float = 0
    var mouthWidth: Float = 0
    var lipFullness: Float = 0
    var smile: Float = 0
    var mouthOpen: Float = 0
    var teeth = false

    // Hair.
    var hairStyle = HairStyle.short
    var texture = HairTexture.straight
    var hairColor = HairColor.brown
    var hairShade: Float = 0.5
    var grayness: Float = 0
    var bangs = Bangs.none
    var receding: Float = 0
    var hairVolume: Float = 0.5
    var hairLength: Float = 0.5
    var part: Float = 0
    var stubble: Float = 0
    var mustache: Float = 0
    var goatee: Float = 0
    var beard: Float = 0
    var sideburns: Float = 0

    // Surface.
    var blush: Float = 0
    var freckles: Float = 0
    var makeup: Float = 0
    var lipstick: Float = 0
    var lipHue: Float = 0
    var wrinkles: Float = 0
    var shine: Float = 0.5

    // Accessories.
    var glasses = Glasses.none
    var glassesShape: Float = 0
    var frame: Int = 0
    var hat = Hat.none
    var earrings = false
    var necklace = false
    var necktie = false
    var clothes = Clothes.crew
    var clothHue: Float = 0
    var clothShade: Float = 0.5
    var accentHue: Float = 0

    // Photograph.
    var yaw: Float = 0
    var pitch: Float = 0
    var roll: Float = 0
    var zoom: Float = 1
    var offsetX: Float = 0
    var offsetY: Float = 0
    var lightAzimuth: Float = 0
    var lightHeight: Float = 0.5
    var lightWarmth: Float = 0
    var contrast: Float = 0.5
    var rim: Float = 0.3
    var exposure: Float = 1
    var backdrop = Backdrop.gradient
    var backHue: Float = 0
    var backShade: Float = 0.5
    var backSaturation: Float = 0.3
    var blur: Float = 0
    var grade: Float = 0
    var pattern: UInt64 = 0  // random bits for noise, bokeh and strands
}

extension FaceTraits {
    /// The values of CelebA's 40 attributes, in `BuiltInFaces.attributeNames`' order: 1, -1, or 0 for not defined.
    var attributes: [Int8] {
        let hairShows = hairStyle != .bald
        let shaven = stubble == 0 && beard == 0 && goatee == 0 && mustache == 0
        let values: [Bool?] = [
            stubble > 0,  // 5_o_Clock_Shadow
            browArch > 0.5,  // Arched_Eyebrows
            nil,  // Attractive is undefined
            bags > 0,  // Bags_Under_Eyes
            hairStyle == .bald && hat == .none,  // Bald
            bangs != .none && hat == .none,  // Bangs
            lipFullness > 0.5,  // Big_Lips
            noseSize > 0.5,  // Big_Nose
            hairShows && hairColor == .black,  // Black_Hair
            hairShows && hairColor == .blond,  // Blond_Hair
            blur > 0,  // Blurry
            hairShows && hairColor == .brown,  // Brown_Hair
            browThickness > 0.6,  // Bushy_Eyebrows
            chubbiness > 0.4,  // Chubby
            doubleChin > 0,  // Double_Chin
            glasses != .none,  // Eyeglasses
            goatee > 0,  // Goatee
            hairShows && hairColor == .gray,  // Gray_Hair
            makeup > 0,  // Heavy_Makeup
            cheekbones > 0.5,  // High_Cheekbones
            isMale,  // Male
            mouthOpen > 0,  // Mouth_Slightly_Open
            mustache > 0,  // Mustache
            eyeOpen < 0.6,  // Narrow_Eyes
            shaven || (stubble > 0 && beard == 0),  // No_Beard
            isOval,  // Oval_Face
            tone < 0.07,  // Pale_Skin
            nosePoint > 0.5,  // Pointy_Nose
            receding > 0.5 && hat == .none && hairShows,  // Receding_Hairline
            blush > 0.5,  // Rosy_Cheeks
            sideburns > 0,  // Sideburns
            smile > 0.4,  // Smiling
            hairShows && texture == .straight && hairStyle != .buzzed,  // Straight_Hair
            hairShows && texture == .wavy && hairStyle != .buzzed,  // Wavy_Hair
            earrings,  // Wearing_Earrings
            hat != .none,  // Wearing_Hat
            lipstick > 0,  // Wearing_Lipstick
            necklace,  // Wearing_Necklace
            necktie,  // Wearing_Necktie
            isYoung,  // Young
        ]
        return values.map { $0.map { $0 ? 1 : -1 } ?? 0 }
    }
}
