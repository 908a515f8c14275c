import Datasets
import Provenance

/// A generated face that may become a part of the data set.
package struct Candidate: Sendable {
    /// Latents and seeds of a candidate.
    package struct Source: Sendable {
        /// Number of the candidate, from 0.
        package let index: Int
        /// Number of the picture among those of its person, from 0.
        package let variant: Int
        /// Seed of the person.
        package let seed: UInt64
        /// Seed of the fine rows of w+; nil for a picture of one seed.
        package let fineSeed: UInt64?
        /// z [Z]; empty if it is not recorded.
        package let z: [Float]
        /// w [W], or w+ [L, W]; empty if it is not recorded.
        package let w: [Float]
        /// Requested labels [K] of a conditional model: 1, -1, or 0 for unknown.
        package let requested: [Int8]

        package init(
            index: Int, variant: Int, seed: UInt64, fineSeed: UInt64?, z: [Float], w: [Float],
            requested: [Int8]
        ) {
            (self.index, self.variant, self.seed, self.fineSeed) = (index, variant, seed, fineSeed)
            (self.z, self.w, self.requested) = (z, w, requested)
        }
    }

    package let source: Source
    package let image: SyntheticImage
    package var labels: FaceLabels
    package let hashes: PictureHashes

    package init(source: Source, image: SyntheticImage, labels: FaceLabels, hashes: PictureHashes) {
        (self.source, self.image, self.labels, self.hashes) = (source, image, labels, hashes)
    }
}

/// Labels of a face that networks assign.
package struct FaceLabels: Sendable, Equatable {
    /// Logits of the attributes [A].
    package let logits: [Float]
    /// Features of the face network [D].
    package let features: [Float]
    /// Detected face; nil without a detector or a face.
    package var detection: FaceDetection?

    package init(logits: [Float], features: [Float], detection: FaceDetection?) {
        (self.logits, self.features, self.detection) = (logits, features, detection)
    }
}

/// Detected face, in pixels of the picture.
package struct FaceDetection: Sendable, Equatable {
    /// Confidence, 0...1.
    package let score: Float
    /// Left, top, width, height.
    package let box: [Float]
    /// x and y of the left eye, right eye, nose, left and right corner of the mouth.
    package let points: [Float]

    package init(score: Float, box: [Float], points: [Float]) {
        (self.score, self.box, self.points) = (score, box, points)
    }
}

/// Hashes of the pixels of a picture.
package struct PictureHashes: Sendable, Equatable {
    /// SHA-256 of the RGB pixels.
    package let pixels: String
    /// Difference hash: whether each of 8 x 8 thumbnail pixels is darker than its right neighbor.
    package let difference: UInt64
    /// 16 x 16 thumbnail for the confirmation of near-duplicates.
    package let thumbnail: Thumbnail

    package init(pixels: String, difference: UInt64, thumbnail: Thumbnail) {
        (self.pixels, self.difference, self.thumbnail) = (pixels, difference, thumbnail)
    }
}

/// Distances of a candidate to the pictures that were accepted before its chunk, and to photographs.
package struct Proximity: Sendable {
    /// Largest cosine of features with an accepted picture; -1 without one.
    package let cosine: Float
    /// Nearest photograph; nil without photographs.
    package let photograph: NearestPhotograph?

    package init(cosine: Float, photograph: NearestPhotograph?) {
        (self.cosine, self.photograph) = (cosine, photograph)
    }
}

/// Nearest photograph of the training set.
package struct NearestPhotograph: Sendable, Equatable {
    /// Index in the reference.
    package let index: Int
    /// Distance of the features.
    package let distance: Double
    /// Fraction of the photographs that have a nearer neighbor, 0...1.
    package let quantile: Double

    package init(index: Int, distance: Double, quantile: Double) {
        (self.index, self.distance, self.quantile) = (index, distance, quantile)
    }
}
