import TestSupport
import Testing
import Torch

/// Out of memory ends a named scope, not the program, and nothing half-computed gets out.
@Suite struct RecoveryTests {
    private static let tooMany = 1 << 50
    private struct Other: Error {}

    @Test func theFirstFailureIsThrown() throws {
        let error = #expect(throws: TorchError.self) {
            try recoveringFromOutOfMemory {
                let lost = Tensor.zeros([Self.tooMany])
                _ = Tensor.ones([Self.tooMany]) + lost
            }
        }
        let text = "\(try #require(error))"
        #expect(text.hasPrefix("out of memory: zeros([1125899906842624]"))
    }

    @Test func aPoisonedChainIsInert() throws {
        let kept = Tensor.ones([2])
        let random = RandomSource(seed: 1)
        let state = random.state
        #expect(throws: TorchError.self) {
            try recoveringFromOutOfMemory {
                let w = Tensor.ones([2]).requiringGradient()
                let lost = Tensor.zeros([Self.tooMany])
                #expect(lost.isPoisoned)
                #expect(lost.shape == [1, 1, 1, 1])
                #expect(lost.item().isNaN)
                #expect(lost.floats().count == 1)
                #expect(lost.summary == "(no memory)")
                #expect(!lost.requiringGradient().requiresGradient)
                #expect(lost.chunks(3).count == 3)
                #expect(Tensor([1, 2] as [Float]).isPoisoned)
                // Also what has nothing to do with the lost tensor: state must not move half a step.
                kept.add_(Tensor.ones([2]))
                kept.normal_(random: random)
                foreachMultiply_([kept], by: 3)
                w.gradient = lost
                let loss = (w * lost).sum()
                loss.backward()
                #expect(w.gradient == nil)
                #expect(gradients(of: [loss], wrt: [w, lost]).allSatisfy { $0?.isPoisoned == true })
            }
        }
        #expect(kept.floats() == [1, 1])
        #expect(random.state == state)
    }

    @Test func scopesNest() throws {
        let value = try recoveringFromOutOfMemory {
            #expect(throws: TorchError.self) {
                try recoveringFromOutOfMemory { Tensor.zeros([Self.tooMany]) }
            }
            return Tensor(3).item()
        }
        #expect(value == 3)
        #expect(throws: TorchError.self) {
            try recoveringFromOutOfMemory {
                _ = Tensor.zeros([Self.tooMany])
                _ = try recoveringFromOutOfMemory { 1 }
                Issue.record("a scope inside a failed one ran")
            }
        }
    }

    @Test func exhaustionWinsOverWhatTheBodyMadeOfIt() throws {
        #expect(throws: TorchError.self) {
            try recoveringFromOutOfMemory {
                if Tensor.zeros([Self.tooMany]).sum().item().isNaN { throw Other() }
            }
        }
        #expect(throws: Other.self) { try recoveringFromOutOfMemory { throw Other() } }
    }

    @Test func backwardRecovers() throws {
        // Broadcasting makes the gradient's gradient far larger than anything before it.
        #expect(throws: TorchError.self) {
            try recoveringFromOutOfMemory {
                let x = Tensor.ones([1, 1 << 20]).requiringGradient()
                let wide = x.expanded(to: [1 << 28, 1 << 20])
                _ = gradients(of: [wide], wrt: [x], seeds: [wide.detached() * 2])
            }
        }
        #expect(Tensor(2).item() == 2)
    }

    @Test func aLostTensorIsNotWritten() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("lost.safetensors")
        #expect(throws: TorchError.self) {
            try recoveringFromOutOfMemory {
                let lost = Tensor.zeros([Self.tooMany])
                try TensorFile.write(path, tensors: [("lost", lost)])
            }
        }
        #expect(try folder.contents() == [])
    }

    @Test func aLostTensorOutsideItsScopeTraps() async throws {
        let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            nonisolated(unsafe) var lost: Tensor?
            try? recoveringFromOutOfMemory { lost = Tensor.zeros([1 << 50]) }
            _ = lost.map { $0 + 1 }
        }
        let text = String(decoding: try #require(result).standardErrorContent, as: UTF8.self)
        #expect(text.contains("add.Scalar: received a tensor for which there was no memory"))
    }
}
