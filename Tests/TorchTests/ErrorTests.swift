import Testing
import Torch

/// Mistakes of the program end it with what, where and why; the world's errors are thrown.
@Suite struct ErrorTests {
    /// Checks that a program that ended said all of `parts`.
    private func expect(
        _ result: ExitTest.Result?, said parts: String..., sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let text = String(decoding: try #require(result).standardErrorContent, as: UTF8.self)
        for part in parts {
            #expect(text.contains(part), "\(text.prefix(500))", sourceLocation: sourceLocation)
        }
    }

    @Test func aWrongShapeTraps() async throws {
        let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            _ = Tensor.zeros([1, 3, 8, 8]).conv2d(weight: .zeros([4, 2, 3, 3]), bias: nil, line: 4711)
        }
        try expect(
            result, said: "convolution(Float[1, 3, 8, 8], Float[4, 2, 3, 3], none, 1, 0",
            "expected input[1, 3, 8, 8] to have 2 channels, but got 3 channels", "ErrorTests.swift:4711")
    }

    @Test func anUnknownOperatorTraps() async throws {
        let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            op("no_such_operator", [1.0], #fileID, 4711)
        }
        try expect(
            result, said: "no_such_operator(1.0): the engine has no operator no_such_operator",
            "ErrorTests.swift:4711")
    }

    @Test func wrongArgumentsTrap() async throws {
        var result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            op("relu", [nil], #fileID, #line)
        }
        try expect(result, said: "argument self: expected Tensor, got nothing")
        result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            op("relu", [Tensor(1), 2], #fileID, #line)
        }
        try expect(result, said: "expected at most 1 arguments")
        result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            op("flatten.using_ints", [Tensor(1), 0.5], #fileID, #line)
        }
        try expect(result, said: "argument start_dim: expected int, got a floating-point number")
        result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            op("zeros", [[2]], named: ["colour": 1.0], #fileID, #line)
        }
        try expect(result, said: "colour: 1.0): there is no argument colour")
        result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            op("cat", [Tensor(1)], #fileID, #line)
        }
        try expect(result, said: "argument tensors: expected Tensor[], got a tensor")
    }

    @Test func wrongResultsTrap() async throws {
        var result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            _ = Tensor.zeros([6]).chunks(4)
        }
        try expect(result, said: "chunk(Float[6], 4, 0): expected 4 results, got 3")
        result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            op("size.int", [Tensor.zeros([6]), 0], #fileID, #line)
        }
        try expect(result, said: "gives a result of type Int, not a tensor")
    }

    @Test func misuseOfATensorTraps() async throws {
        var result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            _ = Tensor.zeros([2, 2]).item()
        }
        try expect(result, said: "item: expected one element, got Float[2, 2]")
        result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            Tensor.zeros([2, 2]).transposed(0, 1)[0..<1].expanded(to: [4, 2]).withBytes { _ in }
        }
        try expect(result, said: "withBytes: Float[4, 2] is not contiguous on the CPU")
        result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            _ = Tensor([1, 2, 3] as [Float], shape: [2, 2])
        }
        try expect(result, said: "tensor of Float[2, 2]: from bytes: expected 16 bytes")
        result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            _ = Tensor([1, 2, 3] as [Float], shape: [-1])
        }
        try expect(result, said: "tensor of Float[-1]")
    }

    @Test func misuseOfGradientsTraps() async throws {
        var result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            Tensor.zeros([2]).requiringGradient().square().backward()
        }
        try expect(result, said: "backward of Float[2]: grad can be implicitly created only")
        result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            _ = gradients(of: [Tensor(1)], wrt: [Tensor(2)])
        }
        try expect(result, said: "does not require grad")
        result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            Tensor([1, 2, 3]).requiringGradient()
        }
        try expect(result, said: "requiringGradient of Int64[3]")
    }

    @Test func exhaustionTrapsOutsideOfAScope() async throws {
        let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            _ = Tensor.zeros([1 << 50])
        }
        try expect(result, said: "zeros([1125899906842624], dtype: Float, device: cpu): ")
    }

    @Test func messagesSayWhatToDo() {
        #expect("\(TorchError.engineNotLoaded("no file"))".contains("make setup"))
        #expect("\(TorchError.outOfMemory("conv2d"))".contains("batchSize"))
    }
}
