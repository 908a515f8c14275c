import Torch

// Operators of libtorch by family.
extension SelfTest {
    private static func check(_ name: String, _ body: @escaping @Sendable (Inputs) -> [(String, Tensor)])
        -> Check
    {
        Check(group: .operators, name: name, body: body)
    }

    /// Check of functions of one tensor in -2...2, [3, 4, 6, 6], with gradients.
    private static func functions(_ name: String, _ bodies: @escaping @Sendable (Tensor) -> [Tensor]) -> Check
    {
        check(name) { inputs in
            inputs.differentiated([inputs.uniform(-2...2, 3, 4, 6, 6)]) { bodies($0[0]) }
        }
    }

    static let operatorChecks: [Check] = elementwise + reductions + shapes + linear + convolutions + pictures

    private static let elementwise: [Check] = [
        check("arithmetic") { inputs in
            inputs.differentiated([inputs.normal(4, 5, 6), inputs.uniform(1...2, 5, 1)]) { x in
                [x[0] + x[1], x[0] - x[1], x[0] * x[1], x[0] / x[1], 3 - x[0] * 2 + 1, 2 * (x[0] / 4), -x[0]]
            }
        },
        functions("exponentials and powers") { x in
            let positive = x.square() + 0.5
            return [x.exp(), positive.log(), positive.sqrt(), positive.rsqrt(), positive.pow(1.5)]
        },
        functions("trigonometry") { x in [x.sin(), x.cos(), (x * 0.4).acos()] },
        functions("rounding and limits") { x in
            [
                x.abs(), x.sign(), x.round(), x.clamped(-1...1), x.clampedBelow(0.5),
                x.maximum(x * x), x.minimum(x * x),
            ]
        },
        functions("interpolation and choice") { x in
            [
                x.lerp(x.square(), weight: 0.3), x.lerp(x.square(), weight: x.sigmoid()),
                x.where(x.greater(than: 0.2), else: x * 3), x.where(x.less(than: x * x), else: -x),
            ]
        },
        functions("activations") { x in
            [
                x.relu(), x.rectified(), x.leakyReLU(0.2), x.tanh(), x.sigmoid(), x.softplus(), x.silu(),
                x.gelu(), x.elu(),
            ]
        },
        functions("softmax") { x in [x.softmax(1), x.logSoftmax(3)] },
        check("comparisons") { inputs in
            let (a, b) = (inputs.uniform(-1...1, 40), inputs.uniform(-1...1, 40))
            let truths = [
                a.equal(to: 0), a.equal(to: b), a.greater(than: 0), a.less(than: b), a.lessOrEqual(to: a),
                a.isFinite(), a.greater(than: 2).any().reshape([1]), a.less(than: 2).all().reshape([1]),
            ]
            return inputs.named("output", truths.map { $0.to(.float32) })
        },
        check("in place") { inputs in
            let (x, a) = (inputs.normal(8, 8), inputs.uniform(1...2, 8, 8))
            x.multiply_(0.5)
            x.add_(a, factor: 2)
            x.addProduct_(a, a, factor: -0.3)
            x.addQuotient_(a, a + 1)
            x.lerp_(a, weight: 0.1)
            x.addMatmul_(a, a)
            x.clamp_(-20...20)
            x.leakyReLU_(0.1)
            let y = Tensor.zeros(like: x)
            y.copy_(x)
            return inputs.named("output", [x, y])
        },
        check("lists of tensors") { inputs in
            let (a, b) = ([inputs.normal(7, 3), inputs.normal(5)], [inputs.normal(7, 3), inputs.normal(5)])
            let c = [inputs.uniform(1...2, 7, 3), inputs.uniform(1...2, 5)]
            foreachLerp_(a, towards: b, weight: 0.2)
            foreachMultiply_(a, by: 1.5)
            foreachMultiply_(a, by: Tensor(0.5).to(inputs.device))
            foreachAdd_(a, b, factor: 0.1)
            foreachAddProduct_(a, b, c, factor: 0.3)
            foreachAddQuotient_(a, b, c, factor: -0.2)
            foreachCopy_(b, from: a)
            return inputs.named("output", a + b)
        },
    ]

    private static let reductions: [Check] = [
        functions("sums and means") { x in
            [x.sum(), x.sum([0, 2]), x.mean(), x.mean([2, 3], keep: true), x.variance([0], unbiased: true)]
        },
        functions("deviations and norms") { x in
            [x.standardDeviation(), x.norm(), x.norm([1, 2, 3]), x.variance([1])]
        },
        functions("extremes") { x in [x.max(), x.min()] },
        check("positions of extremes") { inputs in
            let x = inputs.normal(6, 30)
            let (values, indices) = x.smallest(4, 1)
            return inputs.named("output", [x.argmax(1), values, indices])
        },
    ]

    private static let shapes: [Check] = [
        functions("views") { x in
            [
                x.reshape([12, 36]), x.flattened(from: 1), x.permuted([0, 2, 3, 1]), x.transposed(2, 3),
                x.unsqueezed(1).squeezed(1), x[0..<1].expanded(to: [3, 4, 6, 6]), x.select(1, 2),
                x.narrow(2, start: 1, length: 3), x.repeated([1, 2, 1, 1]), x.to(.channelsLast) * 2,
            ]
        },
        functions("rearrangements") { x in
            [
                x.flipped([3]), x.rolled([1, -2], [2, 3]), x.padded([1, 2, 0, 1]),
                x.reflectionPadded([2, 2, 1, 1]), x.pixelUnshuffle(2), x.pixelShuffle(2),
                .concatenated([x, x * 2], 1), .stacked([x, -x]),
            ] + x.chunks(2, 1)
        },
        check("indexing") { inputs in
            let rows = Tensor([4, 0, 2, 2]).to(inputs.device)
            let columns = Tensor([0, 1, 2, 1, 0]).reshape([5, 1]).to(inputs.device)
            return inputs.differentiated([inputs.normal(5, 3)]) { x in
                [x[0].indexSelect(0, rows), x[0].gather(1, columns), x[0].embedding(rows)]
            }
        },
        check("conversions") { inputs in
            let x = inputs.normal(20, 20)
            return inputs.named(
                "output",
                [
                    x.to(.float64).to(.float32), x.to(.bfloat16).to(.float32), (x * 10).to(.int64),
                    .identity(9),
                ])
        },
    ]

    private static let linear: [Check] = [
        check("products") { inputs in
            inputs.differentiated([inputs.normal(32, 48), inputs.normal(20, 48), inputs.normal(20)]) { x in
                [x[0].linear(weight: x[1], bias: x[2]), x[0].matmul(x[1].transposed(0, 1))]
            }
        },
        check("batched products") { inputs in
            inputs.differentiated([inputs.normal(4, 16, 24), inputs.normal(4, 24, 8)]) {
                [$0[0].matmul($0[1])]
            }
        },
        check("decompositions") { inputs in
            let x = inputs.normal(12, 8).to(.float64)
            let square = x.transposed(0, 1).matmul(x) + Tensor.identity(8).to(inputs.device, .float64)
            let (q, r) = x.qr()
            return inputs.named(
                "output",
                [
                    square.symmetricEigenvalues(), x.singularValues(), q.matmul(r), r.abs(),
                    square.cholesky() ?? square,
                ])
        },
    ]
}
