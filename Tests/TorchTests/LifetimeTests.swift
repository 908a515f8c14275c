import Dispatch
import Testing
import Torch

/// Tensors are freed after their last use and not before. Counting tests run in their own process.
@Suite struct LifetimeTests {
    @Test func trainingStepsLeakNothing() async {
        await #expect(processExitsWith: .success) {
            let random = RandomSource(seed: 1)
            let w = Tensor.normal([4, 3, 3, 3], random: random).requiringGradient()
            func step() -> Double {
                let x = Tensor.normal([2, 3, 8, 8], random: random).requiringGradient()
                let y = withAutocast(.bfloat16, on: .cpu) { x.conv2d(weight: w, bias: nil, padding: 1) }
                let first = gradients(of: [y.to(.float32).tanh().sum()], wrt: [x], createGraph: true)[0]!
                let loss = first.square().sum() + y.to(.float32).chunks(2)[0].sum()
                loss.backward()
                foreachAdd_([w.detached()], [w.gradient!], factor: -0.001)
                w.gradient = nil
                return loss.item()
            }
            _ = step()
            let before = Engine.liveTensorCount
            #expect(before == 1)
            for _ in 0..<50 {
                #expect(step().isFinite)
                #expect(Engine.liveTensorCount == before)
            }
        }
    }

    @Test func failuresLeakNothing() async {
        await #expect(processExitsWith: .success) {
            let before = Engine.liveTensorCount
            for _ in 0..<3 {
                #expect(throws: TorchError.self) {
                    try recoveringFromOutOfMemory {
                        let lost = Tensor.zeros([2]) + Tensor.zeros([1 << 50])
                        return lost.item()
                    }
                }
                #expect(Engine.liveTensorCount == before)
            }
        }
    }

    @Test func argumentsOutliveTheCall() {
        // The last use of each temporary is the call.
        for count in 1...50 {
            let sum = Tensor.concatenated((0..<count).map { Tensor.full([1000], Double($0)) }).sum()
            #expect(sum.item() == Double(1000 * count * (count - 1) / 2))
            #expect((Tensor.full([count], 1) + Tensor.full([count], 2)).shape == [count])
            #expect((Tensor.full([count], 1) + 2).withBytes { $0.count } == 4 * count)
        }
    }

    @Test func concurrentUse() {
        nonisolated(unsafe) let sums = UnsafeMutablePointer<Double>.allocate(capacity: 8)
        defer { sums.deallocate() }
        DispatchQueue.concurrentPerform(iterations: 8) { thread in
            let x = Tensor.full([64, 64], Double(thread)).requiringGradient()
            withoutGradients { sums[thread] = x.matmul(Tensor.identity(64)).mean().item() }
            #expect((x * 2).requiresGradient)
        }
        for thread in 0..<8 { #expect(sums[thread] == Double(thread)) }
    }
}
