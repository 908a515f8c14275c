import Imaging

extension FaceTraits {
    /// Samples the traits of face `index` of the data set `seed`.
    init(seed: UInt64, index: Int) {
        var random = RandomStream(face: index, seed: seed)
        drawPerson(&random)
        drawHead(&random)
        drawFeatures(&random)
        drawHair(&random)
        drawBeard(&random)
        drawSurface(&random)
        drawAccessories(&random)
        drawPhotograph(&random)
    }

    private mutating func drawPerson(_ random: inout RandomStream) {
        isMale = random.chance(0.45)
        let u = random.uniform()
        age = 18 + 60 * u * u * (0.3 + 0.7 * u)
        if isMale { age = min(age + 5 * random.uniform(), 80) }
        switch random.uniform() {
        case ..<0.55: tone = random.uniform(in: 0...0.34)
        case ..<0.8: tone = random.uniform(in: 0.3...0.62)
        default: tone = random.uniform(in: 0.58...1)
        }
        warmth = random.bell() * 0.45
    }

    private mutating func drawHead(_ random: inout RandomStream) {
        headWidth = random.bell() * 0.6
        headLength = random.bell() * 0.6
        jawWidth = random.bell() * 0.5 + (isMale ? 0.45 : -0.45)
        jawSquare = isMale ? random.uniform(in: 0.1...1) : random.uniform(in: 0...0.35)
        chin = random.bell() * 0.5 + (isMale ? 0.4 : -0.2)
        if random.chance(0.16) {
            chubbiness = random.uniform(in: 0.45...1)
        } else {
            chubbiness = random.uniform(in: 0...0.25)
        }
        if chubbiness > 0.45, random.chance(0.55) { doubleChin = random.uniform(in: 0.6...1) }
        cheekbones =
            random.chance(isMale ? 0.3 : 0.55) ? random.uniform(in: 0.6...1) : random.uniform(in: 0...0.3)
        isOval = chubbiness < 0.3 && random.chance(isMale ? 0.25 : 0.45)
        if isOval {
            headWidth = -0.25 + 0.1 * headWidth
            headLength = 0.35 + 0.2 * headLength
            jawWidth = 0.25 * jawWidth - 0.3
            jawSquare *= 0.3
        }
    }

    private mutating func drawFeatures(_ random: inout RandomStream) {
        eyeSize = random.bell() * 0.5 + (isMale ? -0.25 : 0.35)
        eyeOpen = random.chance(0.14) ? random.uniform(in: 0.42...0.58) : random.uniform(in: 0.85...1.15)
        eyeTilt = random.bell() * 0.06 + (isMale ? 0 : 0.05)
        eyeSpacing = random.bell() * 0.5
        let dark = tone > 0.45
        iris = random.pick(dark ? [(0, 8), (1, 1.2), (4, 0.3)] : [(0, 3), (1, 2), (2, 2), (3, 1.6), (4, 1)])
        let eyesWander = random.chance(0.25)
        gazeX = random.bell() * (eyesWander ? 0.5 : 0.14)
        gazeY = random.bell() * (eyesWander ? 0.2 : 0.08)
        if age > 30, random.chance(0.15 + (age - 30) * 0.012) { bags = random.uniform(in: 0.5...1) }
        let bushy = random.chance(isMale ? 0.32 : 0.05)
        browThickness =
            bushy
            ? random.uniform(in: 0.75...1)
            : (isMale ? random.uniform(in: 0.3...0.55) : random.uniform(in: 0.1...0.42))
        browArch =
            random.chance(isMale ? 0.1 : 0.42) ? random.uniform(in: 0.7...1) : random.uniform(in: 0...0.35)
        browTilt = random.bell() * 0.35
        noseSize =
            random.chance(isMale ? 0.3 : 0.12) ? random.uniform(in: 0.6...1) : random.uniform(in: -0.8...0.3)
        noseWidth = random.bell() * 0.4 + (tone > 0.5 ? 0.5 : 0) + max(noseSize, 0) * 0.5
        nosePoint =
            noseSize < 0.5 && random.chance(0.28) ? random.uniform(in: 0.6...1) : random.uniform(in: 0...0.3)
        mouthWidth = random.bell() * 0.6
        let full = random.chance((isMale ? 0.1 : 0.28) + (tone > 0.5 ? 0.25 : 0))
        lipFullness =
            full ? random.uniform(in: 0.65...1) : random.uniform(in: -0.3...0.3) - (isMale ? 0.15 : 0)
        if random.chance(isMale ? 0.4 : 0.56) {
            smile = random.uniform(in: 0.5...1)
            teeth = random.chance(0.72)
            mouthOpen = teeth ? random.uniform(in: 0.3...0.75) : 0
        } else {
            smile = random.uniform(in: -0.15...0.22)
            if random.chance(0.22) {
                mouthOpen = random.uniform(in: 0.3...0.9)
                teeth = random.chance(0.6)
            }
        }
        if smile > 0.5, eyeOpen > 0.6 { eyeOpen -= 0.18 * smile }
        if smile > 0.5 { cheekbones = min(1, cheekbones + 0.15) }
    }

    private mutating func drawHair(_ random: inout RandomStream) {
        let old = max(0, (age - 46) / 30)
        if isMale {
            hairStyle = random.pick([
                (.bald, 0.06 + 0.2 * old), (.buzzed, 0.16), (.short, 0.38), (.swept, 0.3), (.long, 0.05),
                (.curly, tone > 0.5 ? 0.2 : 0.05), (.bob, 0.03),
            ])
        } else {
            hairStyle = random.pick([
                (.long, 0.46), (.bob, 0.2), (.ponytail, 0.13), (.bun, 0.08), (.swept, 0.06 + 0.1 * old),
                (.curly, tone > 0.5 ? 0.2 : 0.05), (.buzzed, 0.01),
            ])
        }
        texture = hairStyle == .curly ? .curly : random.pick([(.straight, 0.55), (.wavy, 0.45)])
        if tone > 0.5 {
            hairColor = random.pick([(.black, 8), (.brown, 2), (.blond, 0.25)])
        } else if tone > 0.3 {
            hairColor = random.pick([(.black, 5), (.brown, 3.5), (.blond, 0.8), (.red, 0.2)])
        } else {
            hairColor = random.pick([(.black, 2), (.brown, 4), (.blond, 3.2), (.red, 0.9)])
        }
        hairShade = random.uniform()
        let grayChance = min(0.85, max(0, (age - 42) / 30))
        if random.chance(grayChance) {
            grayness = random.uniform(in: 0.75...1)
            hairColor = .gray
        } else if age > 40 {
            grayness = random.uniform(in: 0...0.25)
        }
        switch hairStyle {
        case .bald, .buzzed, .curly: bangs = .none
        case .short, .swept: bangs = random.chance(isMale ? 0.12 : 0.4) ? .full : .none
        case .bob, .long, .ponytail, .bun:
            bangs = random.pick([(.none, 0.66), (.full, 0.22), (.side, 0.12)])
        }
        if isMale, bangs == .none, random.chance(0.1 + 0.5 * old) { receding = random.uniform(in: 0.55...1) }
        hairVolume = random.uniform()
        hairLength = random.uniform()
        part = Float(random.integer(below: 3) - 1) * random.uniform(in: 0.15...0.4)
    }

    private mutating func drawBeard(_ random: inout RandomStream) {
        guard isMale else { return }
        switch random.uniform() {
        case ..<0.47: break
        case ..<0.7: stubble = random.uniform(in: 0.55...1)
        case ..<0.84:
            beard = random.uniform(in: 0.6...1)
            mustache = random.uniform(in: 0.75...1)
            sideburns = 1
        case ..<0.93:
            goatee = random.uniform(in: 0.75...1)
            mustache = random.chance(0.7) ? random.uniform(in: 0.75...1) : 0
        default: mustache = random.uniform(in: 0.75...1)
        }
        if beard == 0, hairStyle != .bald, random.chance(0.1) { sideburns = 1 }
    }

    private mutating func drawSurface(_ random: inout RandomStream) {
        makeup = !isMale && random.chance(age < 55 ? 0.55 : 0.35) ? random.uniform(in: 0.6...1) : 0
        if !isMale { lipstick = random.chance(makeup > 0 ? 0.85 : 0.12) ? random.uniform(in: 0.6...1) : 0 }
        lipHue = random.uniform()
        let rosy = random.chance(makeup > 0 ? 0.3 : 0.06)
        blush = rosy ? random.uniform(in: 0.7...1) : random.uniform(in: 0.05...0.3)
        freckles =
            tone < 0.25 && random.chance(hairColor == .red ? 0.7 : 0.12) ? random.uniform(in: 0.4...1) : 0
        wrinkles = min(1, max(0, (age - 36) / 36)) * random.uniform(in: 0.7...1.1)
        shine = random.uniform()
    }

    private mutating func drawAccessories(_ random: inout RandomStream) {
        if random.chance(0.07 + (age > 45 ? 0.14 : 0)) {
            glasses = random.chance(0.78) ? .clear : .sun
        }
        glassesShape = random.uniform()
        frame = Int(random.uniform() * 5)
        if random.chance(0.075) {
            hat = random.pick([(.beanie, 0.35), (.cap, 0.35), (.brimmed, 0.3)])
        }
        earrings = random.chance(isMale ? 0.03 : 0.4) && hat != .beanie
        clothes = random.pick(
            isMale
                ? [(.crew, 0.3), (.vNeck, 0.08), (.shirt, 0.24), (.suit, 0.3), (.turtleneck, 0.08)]
                : [(.crew, 0.3), (.vNeck, 0.42), (.shirt, 0.1), (.suit, 0.04), (.turtleneck, 0.14)])
        necktie = isMale && (clothes == .suit ? random.chance(0.7) : clothes == .shirt && random.chance(0.15))
        necklace = !isMale && (clothes == .vNeck || clothes == .crew) && random.chance(0.38)
        clothHue = random.uniform()
        clothShade = random.uniform()
        accentHue = random.uniform()
    }

    private mutating func drawPhotograph(_ random: inout RandomStream) {
        yaw = random.bell() * 0.24
        pitch = random.bell() * 0.085
        roll = random.bell() * 0.045
        zoom = 1 + random.bell() * 0.03
        offsetX = random.bell() * 0.03
        offsetY = random.bell() * 0.03
        lightAzimuth = random.uniform(in: -1...1)
        lightHeight = random.uniform(in: 0.15...0.9)
        lightWarmth = random.bell() * 0.4
        contrast = random.uniform()
        rim = random.chance(0.45) ? random.uniform(in: 0.35...1) : random.uniform(in: 0...0.2)
        exposure = 1 + random.bell() * 0.06
        backdrop = random.pick([(.plain, 0.2), (.gradient, 0.36), (.bokeh, 0.3), (.window, 0.14)])
        let hues: [(Float, Float)] = [
            (random.uniform(in: 0.5...0.64), 0.38), (random.uniform(in: 0.04...0.13), 0.3),
            (random.uniform(in: 0.24...0.46), 0.2), (random.uniform(in: 0.7...0.98), 0.12),
        ]
        backHue = random.pick(hues)
        backShade = random.uniform()
        backSaturation = random.uniform(in: 0.04...0.3) + random.uniform(in: 0...0.24)
        blur = random.chance(0.06) ? random.uniform(in: 0.7...1) : 0
        grade = random.bell() * 0.5
        pattern = random.next()
    }
}
