/// Pixels of a picture.
package struct PictureSize {
    package let width, height: Int

    package init(width: Int, height: Int) { (self.width, self.height) = (width, height) }
}
