import Foundation
import Testing
import Torch

/// Large tensors share one address range and must never overlap.
@Suite struct LargeBlockTests {
    init() { Engine.useBlockAllocator() }

    /// A tensor of one value, of 0.3 to 5 MB.
    private struct Held {
        let tensor: Tensor
        let value: Float

        init(_ value: Float, using generator: inout some RandomNumberGenerator) {
            self.value = value
            let count = Int.random(in: 75_000...1_250_000, using: &generator)
            tensor = Tensor.full([count], Double(value))
        }

        var isWhole: Bool { tensor.min().item() == Double(value) && tensor.max().item() == Double(value) }
    }

    /// Many threads take and give back in no order.
    @Test func blocksNeverOverlap() async {
        let broken = await withTaskGroup(of: Int.self) { group in
            for thread in 0..<4 {
                group.addTask {
                    var (held, broken) = ([Held](), 0)
                    var generator = SystemRandomNumberGenerator()
                    for turn in 0..<150 {
                        held.append(Held(Float(1000 * thread + turn), using: &generator))
                        if held.count > 12 {
                            let one = held.remove(at: Int.random(in: 0..<held.count, using: &generator))
                            if !one.isWhole { broken += 1 }
                        }
                    }
                    return broken + held.count { !$0.isWhole }
                }
            }
            return await group.reduce(0, +)
        }
        #expect(broken == 0)
    }

    /// What is given back serves again, also for tensors larger than each of those that were there. In a process of its own,
    /// for the count is of the whole process.
    @Test func neighborsBecomeOne() async {
        await #expect(processExitsWith: .success) {
            Engine.useBlockAllocator()
            func round(_ sizes: [Int]) {
                let all = sizes.map { Tensor.full([$0 << 18], 1) }
                #expect(all.allSatisfy { $0[0..<1].item() == 1 })
            }
            round(Array(repeating: 1, count: 256))
            let before = LargeBlockTests.residentBytes()
            for _ in 0..<4 {
                round(Array(repeating: 2, count: 128))
                round(Array(repeating: 16, count: 16))
                round([256])
            }
            #expect(LargeBlockTests.residentBytes() - before < 64 << 20)
        }
    }

    /// Of this process; 0 where the system does not say.
    private static func residentBytes() -> Int {
        let text = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8)) ?? ""
        return (text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0) << 12
    }
}
