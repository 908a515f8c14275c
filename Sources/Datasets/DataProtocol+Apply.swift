import Imaging

extension DataProtocol {
    /// The sample that this protocol makes of a picture: RGB, `size` x `size`.
    ///
    /// Throws `DataError` when the picture is smaller than the crop.
    public func apply(_ picture: Picture) throws -> Picture {
        let box = try box(width: picture.width, height: picture.height)
        return try picture.rgb().cropped(to: box).resized(width: size, height: size, filter: filter)
    }

    /// Where a point of the original picture (pixels, x to the right, y down) lies in the sample.
    public func map(x: Float, y: Float, width: Int, height: Int) throws -> (x: Float, y: Float) {
        let box = try box(width: width, height: height)
        return (
            x: (x - Float(box.x)) * Float(size) / Float(box.width),
            y: (y - Float(box.y)) * Float(size) / Float(box.height)
        )
    }

    /// The part of a picture of the given size that is kept. Throws `DataError` when the crop does not fit.
    public func box(width: Int, height: Int) throws -> PictureBox {
        switch crop {
        case .square:
            let side = min(width, height)
            return PictureBox(x: (width - side) / 2, y: (height - side) / 2, width: side, height: side)
        case .center(let side):
            guard side <= width, side <= height else {
                throw DataError.tooSmall(
                    width: width, height: height, needed: "\(side)x\(side)", protocol: name)
            }
            return PictureBox(x: (width - side) / 2, y: (height - side) / 2, width: side, height: side)
        case .box(let left, let top, let right, let bottom):
            guard right <= width, bottom <= height else {
                throw DataError.tooSmall(
                    width: width, height: height, needed: "\(right)x\(bottom)", protocol: name)
            }
            return PictureBox(x: left, y: top, width: right - left, height: bottom - top)
        }
    }
}
