import Testing
import Torch

@Suite struct PixelRangeTests {
    @Test func bytesAreKept() {
        let bytes = (UInt8.min...UInt8.max).flatMap { [$0, 255 - $0, $0 / 2] }
        let images = Tensor.pictures(bytes, count: 1, side: 16, on: .cpu)
        #expect(images.shape == [1, 3, 16, 16])
        #expect(images.min().item() == -1 && images.max().item() == 1)
        #expect(images.pixels().bytes() == bytes)
        #expect(images.levels.round().permuted([0, 2, 3, 1]).contiguous().floats() == bytes.map(Float.init))
    }

    @Test func valuesOutsideAreClamped() {
        let values: [Float] = [-7, 7, .infinity, -.infinity, .nan, 0]
        let images = Tensor(values, shape: [2, 3, 1, 1])
        // A half rounds to even.
        #expect(images.pixels().bytes() == [0, 255, 255, 0, 0, 128])
    }
}
