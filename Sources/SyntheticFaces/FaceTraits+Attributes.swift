extension FaceTraits {
    /// The values of CelebA's 40 attributes, in `BuiltInFaces.attributeNames`' order: 1, -1, or 0 for not defined.
    var attributes: [Int8] {
        let hairShows = hairStyle != .bald
        let shaven = stubble == 0 && beard == 0 && goatee == 0 && mustache == 0
        let values: [Bool?] = [
            stubble > 0,  // 5_o_Clock_Shadow
            browArch > 0.5,  // Arched_Eyebrows
            nil,  // Attractive is an opinion, not a trait
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
