import Datasets
import Imaging
import Synthesis
import Testing

@Suite struct FaceChoiceTests {
    private let photo = Picture(width: 300, height: 200, channels: 1, filledWith: 0)

    private func face(_ x: Int, _ y: Int, _ size: Int) -> DetectedFace {
        DetectedFace(
            box: PictureBox(x: x, y: y, width: size - 5, height: size),
            points: FacePoints([PicturePoint](repeating: PicturePoint(x: 0, y: 0), count: 5)), score: 1)
    }

    private var faces: [DetectedFace] { [face(140, 90, 20), face(0, 0, 60), face(200, 20, 40)] }

    @Test func chooses() throws {
        func sizes(_ choice: FaceChoice, _ minimum: Int = 0) throws -> [Int] {
            try choice.choose(from: faces, in: photo, minimumSize: minimum).map(\.size)
        }
        #expect(try sizes(.largest) == [60])
        #expect(try sizes(.center) == [20])
        #expect(try sizes(.center, 30) == [40])
        #expect(try sizes(.all) == [60, 40, 20])
        #expect(try sizes(.all, 40) == [60, 40])
        #expect(try sizes(.one, 50) == [60])
    }

    @Test func saysWhatWasFoundInstead() throws {
        #expect(throws: FaceError.several(sizes: [60, 40, 20])) {
            try FaceChoice.one.choose(from: faces, in: photo)
        }
        #expect(throws: FaceError.small(sizes: [60, 40, 20], minimum: 100)) {
            try FaceChoice.largest.choose(from: faces, in: photo, minimumSize: 100)
        }
        #expect(throws: FaceError.none) { try FaceChoice.all.choose(from: [], in: photo) }
        #expect(
            "\(FaceError.several(sizes: [60, 40, 20]))".contains("3 faces were found (60, 40, 20 pixels)"))
        #expect(
            "\(FaceError.small(sizes: [12], minimum: 24))".hasPrefix("the face has 12 pixels, less than"))
        #expect("\(FaceError.several(sizes: [9, 8, 7, 6, 5, 4]))".contains("9, 8, 7, 6, 5, ... pixels"))
    }
}
