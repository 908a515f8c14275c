import Datasets
import Testing

struct SamplerTests {
    @Test func visitsEveryItemOnceAnEpoch() {
        var sampler = Sampler(count: 37, seed: 5)
        let first = sampler.next(37)
        let second = sampler.next(37)
        #expect(first.sorted() == Array(0..<37))
        #expect(second.sorted() == Array(0..<37))
        #expect(first != second)
        #expect(first != Array(0..<37))
        #expect(sampler.epoch == 2)
    }

    @Test func batchesAcrossEpochsEqualOneLongWalk() {
        var whole = Sampler(count: 10, seed: 1)
        var parts = Sampler(count: 10, seed: 1)
        let expected = whole.next(47)
        var got: [Int] = []
        for n in [3, 7, 1, 0, 25, 11] { got += parts.next(n) }
        #expect(got == expected)
        #expect(parts.position == 47)
    }

    @Test(arguments: [0, 1, 9, 10, 11, 33, 40])
    func resumesFromItsPositionAlone(position: Int) {
        var whole = Sampler(count: 10, seed: 3)
        _ = whole.next(position)
        var resumed = Sampler(count: 10, seed: 3)
        resumed.position = position
        #expect(resumed.next(25) == whole.next(25))
    }

    @Test func seedsGiveDifferentOrders() {
        var a = Sampler(count: 50, seed: 0)
        var b = Sampler(count: 50, seed: 1)
        #expect(a.next(50) != b.next(50))
    }
}
