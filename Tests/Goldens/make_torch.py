"""Creates the goldens of Tests/TorchTests: results of PyTorch for the calls in the tests.

Run: python Tests/Goldens/make_torch.py (requires torch, numpy and safetensors). Created with torch 2.13.0 on a CPU with AVX-512.
"""

from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import save_file

FOLDER = Path(__file__).parent / "Torch"


def save(name, tensors):
    FOLDER.mkdir(exist_ok=True)
    save_file({key: value.detach().contiguous().clone() for key, value in tensors.items()}, FOLDER / name)
    (FOLDER / name).chmod(0o644)


def operators():
    g = torch.Generator().manual_seed(1)
    x = torch.randn(2, 3, 4, 5, generator=g)
    y = torch.randn(2, 3, 4, 5, generator=g)
    p = torch.rand(2, 3, 4, 5, generator=g) + 0.1
    m = torch.randn(6, 4, generator=g)
    odd = torch.tensor([1.0, float("inf"), -float("inf"), float("nan"), 0.0])
    pick = torch.tensor([2, 0, 1, 1])
    places = torch.randint(0, 3, (2, 2, 4, 5), generator=g)
    given = dict(x=x, y=y, p=p, m=m, odd=odd, pick=pick, places=places)
    big = x * 3
    q, r = torch.linalg.qr(m)
    answers = {
        "add": x + y, "sub": x - y, "mul": x * y, "div": x / p, "addNumber": x + 0.3, "subNumber": x - 0.3,
        "mulNumber": x * 0.3, "divNumber": x / 0.3, "numberAdd": 0.3 + x, "numberSub": 2 - x, "numberMul": 0.3 * x,
        "neg": -x, "exp": x.exp(), "log": p.log(), "sqrt": p.sqrt(), "rsqrt": p.rsqrt(), "square": x.square(),
        "abs": x.abs(), "sign": x.sign(), "round": big.round(), "sin": x.sin(), "cos": x.cos(),
        "acos": x.tanh().acos(), "pow": p.pow(2.5), "clamped": x.clamp(-0.5, 0.75), "clampedBelow": x.clamp_min(0.1),
        "maximum": x.maximum(y), "minimum": x.minimum(y), "lerp": x.lerp(y, 0.3), "lerpTensor": x.lerp(y, p),
        "equalNumber": x.sign() == 1, "equal": x.sign() == y.sign(), "greater": x > 0.2, "less": x < 0.2,
        "isFinite": odd.isfinite(), "where": torch.where(x > 0, x, y), "relu": x.relu(),
        "leakyReLU": F.leaky_relu(x, 0.2), "tanh": x.tanh(), "sigmoid": x.sigmoid(), "softplus": F.softplus(x),
        "silu": F.silu(x), "gelu": F.gelu(x), "elu": F.elu(x, 0.7), "softmax": x.softmax(1),
        "copy_": y, "fill_": torch.full_like(x, 0.7), "zero_": torch.zeros_like(x), "add_": x + 0.5 * y,
        "multiply_": x * 1.7, "lerp_": x.lerp(y, 0.4), "addProduct_": x + 0.5 * y * p,
        "addQuotient_": x + 0.5 * y / p, "relu_": x.relu(), "leakyReLU_": F.leaky_relu(x, 0.2),
        "reshape": x.reshape(6, -1), "flattened": x.flatten(1), "permuted": x.permute(0, 2, 3, 1),
        "transposed": x.transpose(1, 3), "unsqueezed": x.unsqueeze(2), "squeezed": x.unsqueeze(2).squeeze(2),
        "expanded": m.unsqueeze(0).expand(3, -1, -1), "repeated": m.repeat(2, 3), "narrow": x.narrow(2, 1, 2),
        "select": x.select(3, 2), "indexSelect": m.index_select(0, pick), "gather": x.gather(1, places),
        "flipped": x.flip([2, 3]), "rolled": x.roll([1, -2], [2, 3]), "channelsLast": x,
        "padded": F.pad(x, [1, 2, 0, 3], value=0.5), "reflectionPadded": F.pad(x, [1, 2, 3, 0], mode="reflect"),
        "half": x.half(), "bfloat16": x.bfloat16(), "integers": big.long(), "double": x.double(),
        "concatenated": torch.cat([x, y], 1), "stacked": torch.stack([x, y], 2), "chunk1": m.chunk(3)[1],
        "item": x[1], "range": m[1:4],
        "sum": x.sum(), "sumOver": x.sum([1, 3], keepdim=True), "mean": x.mean(), "meanOver": x.mean([2, 3]),
        "variance": x.var([0, 2, 3], unbiased=False), "varianceUnbiased": x.var([1], unbiased=True, keepdim=True),
        "standardDeviation": x.std(), "standardDeviationBiased": x.std(unbiased=False), "max": x.max(), "min": x.min(),
        "argmax": x.argmax(1), "norm": x.norm(), "normOver": torch.linalg.vector_norm(x, dim=[1, 2], keepdim=True),
        "all": (p > 0).all(), "any": (x > 100).any(), "matmul": x.matmul(y.transpose(2, 3)), "q": q, "r": r,
        "diagonal": m.diagonal(),
        "zeros": torch.zeros(2, 3), "ones": torch.ones(2, dtype=torch.float64), "full": torch.full([2, 2], 0.3),
        "zerosLike": torch.zeros_like(m), "onesLike": torch.ones_like(m), "arange": torch.arange(7),
        "identity": torch.eye(3),
    }
    save("operators.safetensors", {**{"given." + k: v for k, v in given.items()}, **answers})


def linear():
    g = torch.Generator().manual_seed(4)
    m = torch.randn(6, 4, generator=g, dtype=torch.float64)
    x = torch.randn(3, 5, generator=g)
    y = x + torch.randint(-1, 2, x.shape, generator=g)
    symmetric = m.T @ m
    values, vectors = torch.linalg.eigh(symmetric)
    smallest = x.topk(2, dim=1, largest=False)
    answers = {
        "eigenvalues": values, "projections": vectors @ vectors.T, "restored": symmetric,
        "cholesky": torch.linalg.cholesky(symmetric), "singularValues": torch.linalg.svdvals(m),
        "addMatmul_": symmetric + m.T @ m, "smallest": smallest.values, "smallestIndices": smallest.indices,
        "less": x < y, "lessOrEqual": x <= y, "anyAlong": (x > 1).any(1), "logSoftmax": x.log_softmax(1),
    }
    save("linear.safetensors", {**{"given." + k: v for k, v in dict(m=m, x=x, y=y).items()}, **answers})


def network():
    g = torch.Generator().manual_seed(2)

    def normal(*shape):
        return torch.randn(*shape, generator=g)

    given = dict(
        x=normal(2, 4, 8, 7), w=normal(6, 2, 3, 3), b=normal(6), tw=normal(4, 3, 4, 4), tb=normal(6), row=normal(5, 4),
        lw=normal(3, 4), lb=normal(3), scale=normal(4), shift=normal(4), mean=normal(4),
        variance=torch.rand(4, generator=g) + 0.5, ln=normal(8, 7), lnb=normal(8, 7), table=normal(9, 3),
        index=torch.tensor([[3, 0], [8, 3]]), targets=torch.rand(5, 4, generator=g))
    x, w, b, tw, tb, row, lw, lb, scale, shift, mean, variance, ln, lnb, table, index, targets = given.values()
    trained_mean, trained_variance = mean.clone(), variance.clone()
    trained = F.batch_norm(x, trained_mean, trained_variance, scale, shift, True, 0.1, 1e-5)
    answers = {
        "linear": F.linear(row, lw, lb), "linearBare": F.linear(row, lw),
        "conv2d": F.conv2d(x, w, b, stride=2, padding=1, groups=2),
        "conv2dDilated": F.conv2d(x, w, None, padding=2, dilation=2, groups=2),
        "convTranspose2d": F.conv_transpose2d(x, tw, tb, stride=2, padding=1, output_padding=1, groups=2),
        "convTranspose2dDilated": F.conv_transpose2d(x, tw, None, padding=1, dilation=2),
        "batchNorm": trained, "batchNorm.mean": trained_mean, "batchNorm.variance": trained_variance,
        "batchNormUsed": F.batch_norm(x, mean, variance, scale, shift, False, 0.1, 1e-5),
        "layerNorm": F.layer_norm(x, [8, 7], ln, lnb, 1e-6), "groupNorm": F.group_norm(x, 2, scale, shift, 1e-6),
        "instanceNorm": F.instance_norm(x, weight=scale, bias=shift, eps=1e-5), "embedding": F.embedding(index, table),
        "averagePool2d": F.avg_pool2d(x, 3, 2), "adaptiveAveragePool2d": F.adaptive_avg_pool2d(x, 3),
        "maxPool2d": F.max_pool2d(x, 3, 2, 1, ceil_mode=True),
        "upsampledNearest": F.interpolate(x, size=(16, 21), mode="nearest"),
        "upsampledBilinear": F.interpolate(x, size=(13, 9), mode="bilinear", align_corners=False),
        "pixelShuffle": F.pixel_shuffle(x, 2), "pixelUnshuffle": F.pixel_unshuffle(x[..., :6], 2),
        "binaryCrossEntropyWithLogits": F.binary_cross_entropy_with_logits(row, targets),
        "meanSquaredError": F.mse_loss(row, targets), "meanAbsoluteError": F.l1_loss(row, targets),
    }

    def twice(name, layer, weight):
        """Gradient with respect to the input, and gradients of its square, as in a gradient penalty."""
        a, k = x.clone().requires_grad_(), weight.clone().requires_grad_()
        (first,) = torch.autograd.grad(layer(a, k).tanh().sum(), a, create_graph=True)
        by_input, by_weight = torch.autograd.grad(first.square().sum(), [a, k])
        answers.update({name + ".first": first, name + ".input": by_input, name + ".weight": by_weight})

    twice("conv2dTwice", lambda a, k: F.conv2d(a, k, b, stride=2, padding=1, groups=2), w)
    twice("convTranspose2dTwice", lambda a, k: F.conv_transpose2d(a, k, tb, stride=2, padding=1, groups=2), tw)
    save("network.safetensors", {**{"given." + k: v for k, v in given.items()}, **answers})


def random():
    answers = {}
    for seed in [0, 1, 42, 2**32 + 5, 2**64 - 1]:
        # PyTorch has different methods for tensors below and from 16 values.
        for count in [15, 16, 131]:
            g = torch.Generator().manual_seed(seed)
            answers[f"normal.{seed}.{count}"] = torch.randn(count, generator=g)
            answers[f"uniform.{seed}.{count}"] = torch.rand(count, generator=g)
            answers[f"normal_.{seed}.{count}"] = torch.empty(count).normal_(0.5, 2, generator=g)
            answers[f"uniform_.{seed}.{count}"] = torch.empty(count).uniform_(-3, 2, generator=g)
            answers[f"permutation.{seed}.{count}"] = torch.randperm(count, generator=g)
    save("random.safetensors", answers)


def lists():
    g = torch.Generator().manual_seed(3)
    shapes = [[5, 3], [7], []]
    given = {f"{name}{k}": torch.randn(shape, generator=g) for name in "abc" for k, shape in enumerate(shapes)}
    given = {k: v.abs() + 0.1 if k[0] == "c" else v for k, v in given.items()}
    a, b, c = ([given[f"{name}{k}"] for k in range(3)] for name in "abc")
    answers = {}
    for k in range(3):
        answers[f"lerp.{k}"] = a[k].lerp(b[k], 0.3)
        answers[f"multiply.{k}"] = a[k] * 0.3
        answers[f"copy.{k}"] = b[k]
        answers[f"add.{k}"] = a[k] + 0.3 * b[k]
        answers[f"addProduct.{k}"] = a[k] + 0.3 * b[k] * c[k]
        answers[f"addQuotient.{k}"] = a[k] + 0.3 * b[k] / c[k]
    for name, optimizer in [("adam", torch.optim.Adam), ("adamw", torch.optim.AdamW)]:
        weights = [w.clone().requires_grad_() for w in a]
        step = optimizer(weights, lr=0.01, betas=(0.5, 0.9), eps=1e-6, weight_decay=0.1)
        for factor in [1, -0.5, 2]:
            for weight, gradient in zip(weights, b):
                weight.grad = factor * gradient
            step.step()
        for k in range(3):
            answers[f"{name}.{k}"] = weights[k]
    save("lists.safetensors", {**{"given." + k: v for k, v in given.items()}, **answers})


if __name__ == "__main__":
    torch.set_num_threads(1)
    operators()
    linear()
    network()
    random()
    lists()
