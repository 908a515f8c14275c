import Foundation
import Imaging
import Testing

@Suite struct WarpTests {
    /// Sine waves with a period of at least `period` pixels.
    static func waves(_ width: Int, _ height: Int, period: Double, channels: Int = 3) -> Picture {
        var pixels: [UInt8] = []
        for y in 0..<height {
            for x in 0..<width {
                for c in 0..<channels {
                    let angle =
                        2 * Double.pi * (Double(x) * cos(Double(c)) + Double(y) * sin(Double(c))) / period
                    pixels.append(UInt8(127.5 + 100 * sin(angle) + 0.5))
                }
            }
        }
        return Picture(width: width, height: height, channels: channels, pixels: pixels)
    }

    /// Largest difference except for `margin` pixels at the edges.
    static func difference(_ a: Picture, _ b: Picture, margin: Int = 0) throws -> Int {
        try #require(a.width == b.width && a.height == b.height && a.channels == b.channels)
        let size = (a.width - 2 * margin, a.height - 2 * margin)
        let parts = try [a, b].map { try $0.cropped(x: margin, y: margin, width: size.0, height: size.1) }
        return zip(parts[0].pixels, parts[1].pixels).map { abs(Int($0) - Int($1)) }.max() ?? 0
    }

    @Test(arguments: ResizeFilter.allCases, [1, 3, 4])
    func identityChangesNothing(filter: ResizeFilter, channels: Int) {
        var picture = Self.waves(37, 21, period: 3, channels: channels)
        if channels == 4 {
            for i in stride(from: 3, to: picture.pixels.count, by: 4) { picture.pixels[i] = 255 }
        }
        #expect(picture.warped(by: .identity, width: 37, height: 21, filter: filter) == picture)
    }

    @Test func quarterTurnsMovePixels() {
        let picture = Self.waves(12, 7, period: 3)
        // The left edge becomes the upper edge: x' = height - y, y' = x.
        let turned = picture.warped(by: Similarity(a: 0, b: 1, dx: 7, dy: 0), width: 7, height: 12)
        #expect(turned == picture.oriented(6))
    }

    /// Without rotation, a warp equals a resize. A reduction to less than a sixth averages pixels first.
    @Test(arguments: [0.1, 0.23, 0.37, 0.5, 0.8, 1.7, 3], [ResizeFilter.lanczos, .bicubic, .bilinear])
    func equalsResizeWithoutRotation(scale: Double, filter: ResizeFilter) throws {
        let picture = Self.waves(240, 180, period: 9)
        let (width, height) = (Int(240 * scale), Int(180 * scale))
        let exact = picture.resized(
            fromLeft: 0, top: 0, right: Double(width) / scale, bottom: Double(height) / scale, width: width,
            height: height, filter: filter)
        let warped = picture.warped(
            by: Similarity(scale: scale), width: width, height: height, filter: filter)
        // At the edges, a resize ignores the outside and a warp reflects the picture.
        let margin = Int(3 * max(1, scale)) + 1
        #expect(try Self.difference(exact, warped, margin: margin) <= (scale < 0.17 ? 3 : 2))
    }

    /// A pattern that is finer than the pixels of the result becomes gray for any rotation.
    @Test(arguments: [0.0, 17, 45]) func fineStripesBecomeGray(degrees: Double) {
        let picture = Self.waves(400, 400, period: 2.6, channels: 1)
        let centered = Similarity(a: 1, b: 0, dx: -200, dy: -200).then(
            Similarity(scale: 0.2, degrees: degrees)
        ).then(Similarity(a: 1, b: 0, dx: 20, dy: 20))
        let small = picture.warped(by: centered, width: 40, height: 40)
        #expect(small.pixels.allSatisfy { abs(Int($0) - 127) <= 6 })
    }

    /// A warp followed by its inverse changes little.
    @Test(arguments: [ResizeFilter.lanczos, .bicubic]) func inverseRestoresThePicture(filter: ResizeFilter)
        throws
    {
        let picture = Self.waves(120, 120, period: 12)
        let turn = Similarity(a: 1, b: 0, dx: -60, dy: -60).then(Similarity(scale: 1.3, degrees: 31))
            .then(Similarity(a: 1, b: 0, dx: 110, dy: 110))
        let turned = picture.warped(by: turn, width: 220, height: 220, filter: filter)
        let back = turned.warped(by: turn.inverse, width: 120, height: 120, filter: filter)
        #expect(try Self.difference(picture, back, margin: 8) <= 4)
    }

    @Test func outsideIsReflected() throws {
        let picture = Self.waves(20, 10, period: 7)
        let wide = picture.warped(by: Similarity(a: 1, b: 0, dx: 20, dy: 0), width: 60, height: 10)
        #expect(try wide.cropped(x: 20, y: 0, width: 20, height: 10) == picture)
        #expect(try wide.cropped(x: 0, y: 0, width: 20, height: 10) == picture.flippedHorizontally())
        #expect(try wide.cropped(x: 40, y: 0, width: 20, height: 10) == picture.flippedHorizontally())
    }

    // MARK: Blending

    @Test(arguments: [0, 0.1, 0.5]) func blendingChangesOnlyThePatch(feather: Double) {
        let photo = Self.waves(90, 70, period: 5)
        let patch = Picture(width: 32, height: 32, channels: 3, filledWith: 0)
        let place = Similarity(a: 1, b: 0, dx: -45, dy: -35).then(Similarity(scale: 0.8, degrees: 20))
            .then(Similarity(a: 1, b: 0, dx: 16, dy: 16))
        let result = photo.blended(with: patch, at: place, feather: feather)
        var (inside, outside) = (0, 0)
        for y in 0..<70 {
            for x in 0..<90 {
                let point = place(PicturePoint(x: Double(x) + 0.5, y: Double(y) + 0.5))
                let at = 3 * (y * 90 + x)
                let pixel = result.pixels[at..<at + 3]
                if min(point.x, point.y) <= 0 || max(point.x, point.y) >= 32 {
                    outside += pixel.elementsEqual(photo.pixels[at..<at + 3]) ? 0 : 1
                } else if min(min(point.x, point.y), 32 - max(point.x, point.y)) > 32 * feather {
                    inside += pixel.elementsEqual([0, 0, 0]) ? 0 : 1
                }
            }
        }
        #expect(inside == 0 && outside == 0)
    }

    /// The transition has no visible edges: neighboring pixels differ little.
    @Test func fadingIsSmooth() {
        let photo = Picture(width: 100, height: 100, channels: 3, filledWith: 200)
        let patch = Picture(width: 50, height: 50, channels: 3, filledWith: 40)
        let result = photo.blended(
            with: patch, at: Similarity(a: 1, b: 0, dx: -25, dy: -25), feather: 0.3)
        let row = (0..<100).map { Int(result.pixels[3 * (50 * 100 + $0)]) }
        #expect(row[50] == 40 && row[20] == 200 && row[80] == 200)
        #expect(zip(row, row.dropFirst()).allSatisfy { abs($0 - $1) <= 18 })
        #expect(row == row.reversed())
    }

    @Test func blendingAnExtractedPatchChangesLittle() throws {
        let photo = Self.waves(150, 130, period: 11)
        let cut = Similarity(a: 1, b: 0, dx: -70, dy: -60).then(Similarity(scale: 1.1, degrees: -12))
            .then(Similarity(a: 1, b: 0, dx: 40, dy: 40))
        let patch = photo.warped(by: cut, width: 80, height: 80)
        let result = photo.blended(with: patch, at: cut, feather: 0.1)
        #expect(try Self.difference(photo, result) <= 4)
    }

    @Test func blendingKeepsTransparency() {
        var photo = Self.waves(20, 20, period: 6, channels: 4)
        for i in stride(from: 3, to: photo.pixels.count, by: 4) { photo.pixels[i] = UInt8(i % 251) }
        let patch = Picture(width: 8, height: 8, channels: 3, filledWith: 9)
        let move = Similarity(a: 1, b: 0, dx: -6, dy: -6)
        let result = photo.blended(with: patch, at: move, feather: 0)
        #expect(result.channels == 4)
        #expect(
            stride(from: 3, to: photo.pixels.count, by: 4).allSatisfy {
                result.pixels[$0] == photo.pixels[$0]
            })
        let gray = Picture(width: 20, height: 20, channels: 1, filledWith: 100)
        #expect(gray.blended(with: patch, at: move, feather: 0).channels == 3)
        // A patch far outside the picture.
        let far = Similarity(a: 1, b: 0, dx: 1e12, dy: -1e12)
        #expect(photo.blended(with: patch, at: far, feather: 0) == photo)
    }

    @Test func linesAreDrawnAtTheirPoints() {
        var picture = Picture(width: 40, height: 30, channels: 3, filledWith: 0)
        picture.drawLine(
            through: [PicturePoint(x: -100, y: 10), PicturePoint(x: 500, y: 10)], thickness: 2, color: .white
        )
        #expect(picture.pixels[3 * (10 * 40 + 20)] == 255 && picture.pixels[3 * (9 * 40 + 20)] == 255)
        #expect(picture.pixels[3 * (14 * 40 + 20)] == 0)
        picture.drawLine(through: [PicturePoint(x: 30.5, y: 25.5)], thickness: 3, color: .white)
        #expect(picture.pixels[3 * (25 * 40 + 30)] == 255 && picture.pixels[3 * (25 * 40 + 34)] == 0)
        picture.drawLine(through: [PicturePoint(x: 1e9, y: 1e9)], thickness: 3, color: .white)
    }
}

@Suite struct SimilarityTests {
    static let points = [(10.0, 20.0), (60, 22), (35, 50), (18, 80), (55, 78)].map {
        PicturePoint(x: $0.0, y: $0.1)
    }

    private func near(_ a: Similarity, _ b: Similarity, _ tolerance: Double = 1e-6) -> Bool {
        zip([a.a, a.b, a.dx, a.dy], [b.a, b.b, b.dx, b.dy]).allSatisfy { abs($0 - $1) < tolerance }
    }

    @Test(arguments: [
        (1.0, 0.0, 0.0, 0.0), (0.25, 30, -7, 1000), (3, -171, 0.5, -0.25), (1, 90, 12, 8), (40, 45, -900, 2),
    ])
    func isRecoveredFromPoints(scale: Double, degrees: Double, dx: Double, dy: Double) throws {
        let known = Similarity(scale: scale, degrees: degrees, dx: dx, dy: dy)
        let found = try #require(Similarity(from: Self.points, to: Self.points.map { known($0) }))
        #expect(near(found, known))
        #expect(abs(found.scale - scale) < 1e-6 && abs(found.degrees - degrees) < 1e-6)
        #expect(near(known.then(known.inverse), .identity) && near(known.inverse.then(known), .identity))
        let twice = known.then(known)
        for point in Self.points {
            #expect(twice(point).distance(to: known(known(point))) < 1e-6)
            #expect(known.inverse(known(point)).distance(to: point) < 1e-6)
        }
    }

    /// No similarity near the fitted one has a smaller error.
    @Test func fitMinimizesSquaredErrors() throws {
        let targets = Self.points.enumerated().map { index, point in
            PicturePoint(x: 2 * point.x + Double(index * index), y: 2 * point.y - Double(7 * index % 5))
        }
        let weights = [1.0, 1, 0.25, 2, 1]
        let found = try #require(Similarity(from: Self.points, to: targets, weights: weights))
        func loss(_ t: Similarity) -> Double {
            zip(zip(Self.points, targets), weights).map { pair, weight in
                let distance = t(pair.0).distance(to: pair.1)
                return weight * distance * distance
            }.reduce(0, +)
        }
        for step in [1e-4, -1e-4] {
            for other in [
                Similarity(a: found.a + step, b: found.b, dx: found.dx, dy: found.dy),
                Similarity(a: found.a, b: found.b + step, dx: found.dx, dy: found.dy),
                Similarity(a: found.a, b: found.b, dx: found.dx + step, dy: found.dy),
                Similarity(a: found.a, b: found.b, dx: found.dx, dy: found.dy + step),
            ] { #expect(loss(other) > loss(found)) }
        }
    }

    /// A fit to mirrored points does not mirror.
    @Test func fitsDoNotMirror() throws {
        let mirrored = Self.points.map { PicturePoint(x: -$0.x, y: $0.y) }
        let found = try #require(Similarity(from: Self.points, to: mirrored))
        #expect(found.scale < 1)
    }

    @Test func coincidentPointsHaveNoFit() {
        let place = [PicturePoint](repeating: PicturePoint(x: 3, y: 4), count: 5)
        #expect(Similarity(from: place, to: Self.points) == nil)
        #expect(Similarity(from: Self.points, to: place) == nil)
        #expect(Similarity(from: [], to: []) == nil)
    }
}
