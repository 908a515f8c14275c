import Datasets
import Imaging
import Synthesis

/// A photograph on which one sees what was found and what is cut.
enum FaceCheck {
    private static let longest = 1280

    private static let cutColor = Color(red: 255, green: 214, blue: 0)
    private static let boxColor = Color(red: 64, green: 224, blue: 208)
    private static let leftOut = Color(gray: 190)
    private static let pointColors = [
        Color(red: 80, green: 170, blue: 255), Color(red: 80, green: 170, blue: 255),
        Color(red: 120, green: 230, blue: 90), Color(red: 255, green: 90, blue: 130),
        Color(red: 255, green: 90, blue: 130),
    ]

    /// Boxes with sizes in pixels and points of all faces; frames around what is cut. RGB, 1280 pixels at most, small photographs
    /// larger.
    static func draw(on photo: Picture, found: [DetectedFace], cut: [AlignedFace]) -> Picture {
        let whole = max(photo.width, photo.height)
        let scale = whole > longest ? Double(longest) / Double(whole) : whole < 400 ? 3 : whole < 640 ? 2 : 1
        var picture = photo.rgb().resized(
            width: max(1, Int(Double(photo.width) * scale)), height: max(1, Int(Double(photo.height) * scale))
        )
        let thickness = max(1.5, Double(max(picture.width, picture.height)) / 500)
        func place(_ x: Double, _ y: Double) -> PicturePoint { PicturePoint(x: x * scale, y: y * scale) }
        func line(_ points: [PicturePoint], _ color: Color, _ thickness: Double) {
            picture.drawLine(through: points, thickness: thickness + 2, color: .black, isClosed: true)
            picture.drawLine(through: points, thickness: thickness, color: color, isClosed: true)
        }
        for face in found {
            let isCut = cut.contains { $0.face == face }
            let (box, color) = (face.box, isCut ? boxColor : leftOut)
            let (left, top) = (Double(box.x), Double(box.y))
            let (right, bottom) = (left + Double(box.width), top + Double(box.height))
            line(
                [place(left, top), place(right, top), place(right, bottom), place(left, bottom)], color,
                thickness)
            for (point, color) in zip(face.points.all, pointColors) {
                let dot = thickness + min(2 * thickness, 0.04 * Double(face.size) * scale)
                line([place(point.x, point.y)], isCut ? color : leftOut, dot)
            }
            write("\(face.size) px", at: place(left, top), on: &picture, color)
        }
        for face in cut { line(face.corners.map { place($0.x, $0.y) }, cutColor, thickness) }
        return picture
    }

    private static func write(
        _ text: String, at corner: PicturePoint, on picture: inout Picture, _ color: Color
    ) {
        let letters = max(picture.width, picture.height) >= 1000 ? 2 : 1
        let size = Text.size(of: text, scale: letters)
        let x = Int(min(max(corner.x, 0), Double(max(0, picture.width - size.width - 4))))
        let y = Int(min(max(corner.y - Double(size.height) - 6, 0), Double(picture.height)))
        picture.fill(
            PictureBox(x: x, y: y, width: size.width + 4, height: size.height + 4), color: .black)
        Text.draw(text, on: &picture, x: x + 2, y: y + 2, color: color, scale: letters)
    }
}
