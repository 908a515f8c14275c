import Foundation
import Imaging
import TestSupport
import Testing

struct RandomStreamTests {
    private struct Golden: Decodable {
        struct Case: Decodable {
            let name: [String]
            let values: [String]
        }
        let cases: [Case]
        let uniform: [Float]
        let permutation: [UInt32]
    }

    private func golden() throws -> Golden {
        let data = try Data(contentsOf: URL(fileURLWithPath: goldens("Datasets/random.json")))
        return try JSONDecoder().decode(Golden.self, from: data)
    }

    @Test func equalsTheReference() throws {
        let golden = try golden()
        for item in golden.cases {
            let name = item.name.compactMap { UInt64($0) }
            var stream = RandomStream(seed: name[0], stream: name[1], index: name[2])
            #expect(item.values == (0..<4).map { _ in String(stream.next()) })
        }
        var stream = RandomStream(seed: 9)
        #expect(golden.uniform == (0..<8).map { _ in stream.uniform() })
        stream = RandomStream(seed: 4, stream: 5, index: 6)
        #expect(golden.permutation == stream.permutation(20))
    }

    @Test func integersAreUniform() {
        var stream = RandomStream(seed: 1)
        var counts = [Int](repeating: 0, count: 7)
        for _ in 0..<70_000 { counts[stream.integer(below: 7)] += 1 }
        // Six standard deviations.
        #expect(counts.allSatisfy { abs($0 - 10_000) < 560 })
    }

    @Test func streamsOfNeighboringIndicesAreIndependent() {
        var bits = 0
        for index in 0..<1000 {
            var a = RandomStream(seed: 0, stream: 1, index: UInt64(index))
            var b = RandomStream(seed: 0, stream: 1, index: UInt64(index + 1))
            bits += (a.next() ^ b.next()).nonzeroBitCount
        }
        #expect(abs(bits - 32_000) < 6 * 127)
    }

    @Test func permutationsOfZeroAndOneItem() {
        var stream = RandomStream(seed: 1)
        #expect(stream.permutation(0) == [])
        #expect(stream.permutation(1) == [0])
    }
}
