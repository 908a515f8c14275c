"""Compare the operators of TorchKernels with PyTorch's on random arguments.

    differential.py LIBRARY [--cases 10000] [--seed S] [--only NAME] [--from N]

Every case draws an operator, shapes, strides, paddings, memory formats and a precision. The result, and for a part of the
cases the first and second derivatives, must be as close to float64 as PyTorch's own result in the same precision, within a
factor. Arguments that PyTorch refuses must raise an error here as well. A failure prints the case's number and arguments;
`--seed S --from N` repeats it. Exit status 1 if any case fails.
"""

import argparse
import os
import random
import sys
import time

import torch
import torch.nn.functional as F

CL = torch.channels_last
ops = torch.ops.facegan


class Failure(Exception):
    pass


def draw(rng, shape, scale=1.0):
    generator = torch.Generator().manual_seed(rng.randrange(1 << 40))
    return torch.randn(shape, generator=generator) * scale


def error(a, b):
    """|a - b| / |b|, in float64."""
    a, b = a.detach().double(), b.detach().double()
    if a.shape != b.shape:
        raise Failure(f"shape {tuple(a.shape)}, expected {tuple(b.shape)}")
    if b.numel() == 0:
        return 0.0
    if not torch.isfinite(a).all():
        raise Failure("the result is not finite")
    return ((a - b).norm() / b.norm().clamp_min(1e-12)).item()


def compare(names, own, reference, exact, factor):
    for name, a, b, e in zip(names, own, reference, exact):
        if e is None or a is None:
            if (e is None or e.abs().max() == 0) and (a is None or a.abs().max() == 0):
                continue
            raise Failure(f"{name}: {'missing' if a is None else 'unexpected'}")
        found, usual = error(a, e), error(b, e)
        # The last term is the rounding of float32 sums over a thousand values.
        if found > factor * usual + 6e-6:
            raise Failure(f"{name}: error {found:.3g}, PyTorch's {usual:.3g}")


def layout(rng, tensor):
    """The same values in another memory layout: dense, channels-last, or strided."""
    kind = rng.choice(["cl", "cl", "nchw", "strided"])
    if kind == "cl" and tensor.dim() == 4:
        return tensor.contiguous(memory_format=CL)
    if kind == "strided":
        larger = torch.zeros([2 * n if n else 0 for n in tensor.shape], dtype=tensor.dtype)
        view = larger[tuple(slice(0, 2 * n, 2) for n in tensor.shape)]
        view.copy_(tensor)
        return view
    return tensor.contiguous()


def derivatives(function, inputs, order, dtype):
    """The output and derivatives of a bounded function of it, up to `order`, with respect to `inputs`."""
    leaves = [x.to(dtype).detach().clone(memory_format=torch.preserve_format).requires_grad_(order > 0) for x in inputs]
    output = function(*leaves)
    if order == 0:
        return [output]
    scale = 1 / max(1.0, output.detach().double().abs().max().item())
    first = torch.autograd.grad((output.double() * scale).tanh().sum(), leaves, create_graph=order > 1, allow_unused=True)
    results = [output, *first]
    if order > 1:
        penalty = sum(g.double().square().sum() for g in first if g is not None)
        results += torch.autograd.grad(penalty, leaves, allow_unused=True)
    return results


def convolution_shape(rng):
    """Shapes around what the tile kernels take, and far from it."""
    kernel = rng.choice([1, 2, 3, 3, 4, 4, 5, 6])
    stride = rng.choice([1, 1, 2, 2, 2, 3])
    wide = rng.random() < 0.7
    channels = rng.choice([16, 32, 48, 64, 80, 128]) if wide else rng.choice([1, 2, 3, 4, 5, 7, 8, 17, 33])
    filters = rng.choice([16, 32, 64, 80, 128]) if rng.random() < 0.8 else rng.choice([1, 2, 3, 5, 8, 17, 72])
    return dict(
        n=rng.choice([0, 1, 1, 2, 3, 5]), c=channels, f=filters, h=rng.randint(1, 14), w=rng.randint(1, 14), k=kernel,
        s=stride, p=rng.choice([0, 1, 1, 2, 3]), op=0, t=rng.random() < 0.4, bias=rng.random() < 0.5)


def tiled_shape(rng):
    """Shapes of the tile kernels alone: several blocks of tiles, sums over more than one block, remainders of both."""
    kernel, stride, padding = rng.choice([(4, 2, 1), (4, 2, 1), (3, 1, 1), (2, 1, 0), (3, 2, 1), (5, 2, 2)])
    transposed = rng.random() < 0.4
    least, most = (7, 13) if transposed or stride == 1 else (15, 26)
    if rng.random() < 0.2:
        # Maps with large tiles only for constant weights, and pictures of one pixel.
        least = most = rng.choice([1, 4]) if transposed else 4 * stride
    if least == 1:
        kernel, stride, padding = rng.choice([(4, 1, 0), (2, 1, 0), (4, 2, 0)])
    return dict(
        n=rng.choice([1, 2, 9, 17]), c=rng.choice([32, 64, 80, 144]), f=rng.choice([64, 64, 80, 144]),
        h=rng.randint(least, most), w=rng.randint(least, most), k=kernel, s=stride, p=padding, op=0, t=transposed,
        bias=rng.random() < 0.3)


def convolution_case(rng, activated, shape=convolution_shape):
    a = shape(rng)
    if a["t"] and a["s"] > 1 and rng.random() < 0.4:
        a["op"] = rng.randint(0, a["s"] - 1)
    groups = 1
    if not activated and not a["t"] and rng.random() < 0.25:
        groups = rng.choice([2, 3, 8])
        a["c"], a["f"] = groups * rng.randint(1, 9), groups * rng.randint(1, 9)
    if rng.random() < 0.04:
        # Arguments out of range: an error, not a crash.
        a[rng.choice(["s", "p", "op"])] = rng.choice([0, -1, -7, 1 << 40, 100])
    ends = [a["c"], a["f"]] if a["t"] else [a["f"], a["c"] // groups]
    x = layout(rng, draw(rng, [a["n"], a["c"], a["h"], a["w"]]))
    weight = layout(rng, draw(rng, ends + [a["k"], a["k"]], 0.2))
    bias = layout(rng, draw(rng, [a["f"]])) if a["bias"] else None
    if bias is not None and rng.random() < 0.03:
        bias = bias[:1]
    bf16 = rng.random() < 0.35
    order = 0 if activated else rng.choice([0, 0, 0, 1, 1, 2] if a["n"] * a["c"] < 200 else [0, 0, 1])
    slope = rng.choice([0.0, 0.2, 1.0])
    text = f"{'activated ' if activated else ''}{a} {'bf16' if bf16 else 'fp32'} order {order} slope {slope} groups {groups} strides {x.stride()} {weight.stride()}"

    def own(x, w, *b):
        arguments = [x, w, b[0] if b else None, a["s"], a["p"], a["op"], a["t"]]
        if activated:
            with torch.no_grad():
                return ops.convolution_activated(*arguments, slope)
        return ops.convolution(*arguments, groups)

    def plain(x, w, *b):
        bias = b[0] if b else None
        if a["t"]:
            y = F.conv_transpose2d(x, w, bias, stride=a["s"], padding=a["p"], output_padding=a["op"])
        else:
            if a["op"] != 0:
                raise RuntimeError("output padding without transposition")
            # By slices, which PyTorch computes rightly on AVX2.
            y = ops.plain_convolution(x, w, bias, [a["s"]] * 2, [a["p"]] * 2, [1, 1], groups)
        return y if not activated or slope == 1 else F.leaky_relu(y, slope)

    return text, own, plain, [x, weight] + ([bias] if bias is not None else []), bf16, order


def plain_case(rng):
    groups = rng.choice([1, 1, 2, 4])
    c, f = groups * rng.randint(1, 9), groups * rng.randint(1, 9)
    k, d = rng.choice([(1, 1), (1, 3), (2, 2), (3, 3), (3, 1), (5, 5)]), rng.choice([1, 1, 2])
    s, p = [rng.randint(1, 3), rng.randint(1, 3)], [rng.randint(0, 2), rng.randint(0, 2)]
    x = layout(rng, draw(rng, [rng.choice([0, 1, 2, 3]), c, rng.randint(1, 12), rng.randint(1, 12)]))
    w = layout(rng, draw(rng, [f, c // groups, *k], 0.3))
    bias = draw(rng, [f]) if rng.random() < 0.5 else None
    text = f"plain {tuple(x.shape)} {tuple(w.shape)} stride {s} padding {p} dilation {d} groups {groups}"
    order = rng.choice([0, 1, 2])

    def own(x, w, *b):
        return ops.plain_convolution(x, w, b[0] if b else None, s, p, [d, d], groups)

    def plain(x, w, *b):
        # In NCHW, which does not take the paths that are wrong on AVX2.
        return F.conv2d(x.contiguous(), w.contiguous(), b[0] if b else None, s, p, [d, d], groups)

    return text, own, plain, [x, w] + ([bias] if bias is not None else []), False, order


def norm_case(rng, convolves):
    a = convolution_shape(rng)
    # Statistics need more than one value.
    a["n"] = max(2, a["n"])
    if rng.random() < 0.4 and a["t"] and a["s"] > 1:
        a["op"] = rng.randint(0, a["s"] - 1)
    x = layout(rng, draw(rng, [a["n"], a["c"], a["h"], a["w"]]))
    scale, shift = layout(rng, draw(rng, [a["c"]]) + 1), layout(rng, draw(rng, [a["c"]]))
    if rng.random() < 0.03:
        shift = shift[:1]
    weight = layout(rng, draw(rng, ([a["c"], a["f"]] if a["t"] else [a["f"], a["c"]]) + [a["k"], a["k"]], 0.2))
    slope, momentum = rng.choice([0.0, 0.2]), rng.choice([0.1, 0.01])
    bf16 = rng.random() < 0.35
    order = rng.choice([0, 0, 1, 1, 2])
    text = f"norm{' convolution' if convolves else ''} {a} {'bf16' if bf16 else 'fp32'} order {order} slope {slope} strides {x.stride()} {scale.stride()}"

    def own(x, scale, shift, *w):
        mean, variance = torch.zeros(a["c"]).to(scale.dtype), torch.ones(a["c"]).to(scale.dtype)
        if convolves:
            return ops.norm_activated_convolution(
                x, scale, shift, mean, variance, momentum, 1e-5, slope, w[0], None, a["s"], a["p"], a["op"], a["t"])
        return ops.norm_activated(x, scale, shift, mean, variance, momentum, 1e-5, slope)

    def plain(x, scale, shift, *w):
        if shift.numel() != a["c"]:
            raise RuntimeError("bias of another length")
        mean, variance = torch.zeros(a["c"]).to(scale.dtype), torch.ones(a["c"]).to(scale.dtype)
        y = F.leaky_relu(F.batch_norm(x, mean, variance, scale, shift, True, momentum, 1e-5), slope)
        if not convolves:
            return y
        if a["t"]:
            return F.conv_transpose2d(y, w[0], None, stride=a["s"], padding=a["p"], output_padding=a["op"])
        return ops.plain_convolution(y, w[0], None, [a["s"]] * 2, [a["p"]] * 2, [1, 1], 1)

    return text, own, plain, [x, scale, shift] + ([weight] if convolves else []), bf16, order


def pixels_case(rng):
    x = layout(rng, draw(rng, [rng.choice([0, 1, 3]), rng.choice([1, 3, 4, 16]), rng.randint(0, 20), rng.randint(0, 20)]))
    if x.numel() and rng.random() < 0.3:
        x[0, 0, 0, 0] = rng.choice([float("inf"), -float("inf"), 1.0, -1.0, 0.0])
    text = f"pixels {tuple(x.shape)} strides {x.stride()}"

    def check():
        for given in (x, x.to(torch.bfloat16)):
            own = ops.pixels(given)
            expected = ((given.float().clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8).permute(0, 2, 3, 1)
            if own.shape != expected.shape or (own.int() - expected.int()).abs().max() > 0 if own.numel() else False:
                raise Failure("bytes differ")

    return text, check


def warp_case(rng):
    n, c, h, w = rng.choice([1, 2, 3]), rng.randint(1, 4), rng.randint(1, 20), rng.randint(1, 20)
    x, y = layout(rng, draw(rng, [n, c, h, w])), layout(rng, draw(rng, [n, c, h, w]))
    maps = torch.eye(2, 3, dtype=torch.float64).repeat(n, 1, 1) + draw(rng, [n, 2, 3], 0.4).double()
    maps[:, :, 2] *= 5
    taps = torch.tensor([], dtype=torch.float64)
    if rng.random() < 0.7:
        taps = torch.tensor([rng.random() + 0.05 for _ in range(rng.choice([2, 4, 6, 12]))], dtype=torch.float64)
    outside = rng.random() < 0.5
    text = f"warp {(n, c, h, w)} {taps.numel()} taps, zero outside {outside}, strides {x.stride()}"

    def check():
        # Linear in the pictures, and the gradient is the transpose: <A x, y> = <x, A' y>.
        given = x.double().requires_grad_()
        seen = ops.warp(given, maps, taps, outside)
        back, = torch.autograd.grad(seen, given, y.double())
        left, right = (seen * y.double()).sum().item(), (x.double() * back).sum().item()
        if abs(left - right) > 1e-9 * (1 + abs(left)) * x.numel():
            raise Failure(f"not the transpose: {left} and {right}")
        if error(ops.warp(x, maps, taps, outside), seen) > 1e-5 and seen.norm() > 1e-3:
            raise Failure("float32 differs from float64")
        if taps.numel() == 0 and outside:
            # PyTorch's bilinear sampling, in its coordinates of -1...1.
            base = torch.stack(torch.meshgrid(
                torch.arange(w, dtype=torch.float64) - (w - 1) / 2, torch.arange(h, dtype=torch.float64) - (h - 1) / 2,
                indexing="xy"), -1)
            at = torch.einsum("nij,hwj->nhwi", maps[:, :, :2], base) + maps[:, None, None, :, 2]
            size = torch.tensor([max(w - 1, 1), max(h - 1, 1)], dtype=torch.float64)
            if w > 1 and h > 1:
                expected = F.grid_sample(x.double(), at / (size / 2), align_corners=True, padding_mode="zeros")
                if error(seen, expected) > 1e-9 and expected.norm() > 1e-6:
                    raise Failure("differs from grid_sample")

    return text, check


def resampled_case(rng):
    up, down, padding = rng.choice([(1, 1, 1), (1, 1, 2), (2, 1, 1), (1, 2, 1)])
    channels = rng.choice([1, 3, 5, 15, 16, 17, 32, 40, 64])
    side = (lambda: 2 * rng.randint(0, 8)) if down == 2 else (lambda: rng.randint(1, 17))
    x = layout(rng, draw(rng, [rng.choice([0, 1, 2, 5]), channels, side(), side()]))
    gain = rng.choice([1.0, 4.0, 0.3])
    if rng.random() < 0.05:
        up, down, padding = rng.randint(-1, 3), rng.randint(-1, 3), rng.randint(-1, 4)
    is_refused = (
        (up, down, padding) not in [(1, 1, 1), (1, 1, 2), (2, 1, 1), (1, 2, 1)]
        or (down == 2 and (x.size(2) % 2 or x.size(3) % 2))
        or (up == down and padding == 1 and min(x.size(2), x.size(3)) < 2))
    order = rng.choice([0, 1, 2])
    bf16 = rng.random() < 0.3
    text = f"resampled {tuple(x.shape)} up {up} down {down} padding {padding} {'bf16' if bf16 else 'fp32'} order {order} strides {x.stride()}"

    def own(x):
        # Float64 has no operator of its own and is not passed.
        return ops.resampled(x.bfloat16() if bf16 else x, up, down, padding, gain)

    def plain(x):
        if is_refused:
            raise RuntimeError("refused")
        taps = torch.tensor([1.0, 3, 3, 1], dtype=x.dtype)
        taps = (torch.outer(taps, taps) / 64 * gain).expand(channels, 1, 4, 4).contiguous()
        if bf16 and x.dtype == torch.float32:
            x, taps = x.bfloat16(), taps.bfloat16()
        if x.numel() == 0:
            n, c, h, w = x.shape
            sides = [2 * s if up == 2 else s // 2 if down == 2 else s + 2 * padding - 3 for s in (h, w)]
            return x.new_zeros([n, c, *sides]) + 0 * x.sum()
        if up == 2:
            return F.conv_transpose2d(x, taps, None, 2, 1, groups=channels)
        return F.conv2d(x, taps, None, down, padding, groups=channels)

    return text, own, plain, [x], bf16, order


def bits_case(rng):
    """Equal bits for every number of threads, and for a picture alone and in a batch."""
    a = tiled_shape(rng)
    # With fewer channels PyTorch's convolution is used, whose bits depend on the batch.
    a["c"] = max(64, a["c"])
    if a["k"] == 2:
        a["f" if a["t"] else "c"] = 144
    ends = [a["c"], a["f"]] if a["t"] else [a["f"], a["c"]]
    x = draw(rng, [a["n"], a["c"], a["h"], a["w"]]).contiguous(memory_format=CL)
    weight = draw(rng, ends + [a["k"], a["k"]], 0.1).contiguous(memory_format=CL)
    row = rng.randrange(a["n"])

    def results(pictures, seed):
        given = pictures.clone(memory_format=torch.preserve_format).requires_grad_()
        factor = weight.clone(memory_format=torch.preserve_format).requires_grad_()
        with torch.no_grad():
            activated = ops.convolution_activated(pictures, weight, None, a["s"], a["p"], 0, a["t"], 0.2)
        output = ops.convolution(given, factor, None, a["s"], a["p"], 0, a["t"])
        if seed is None:
            return [activated, output]
        return [activated, output, *torch.autograd.grad(output, (given, factor), seed)]

    # PyTorch computes pictures of one pixel for training.
    names = ["activated"] + ([] if a["h"] == 1 else ["output", "gradient 0", "gradient 1"])

    def check():
        threads = torch.get_num_threads()
        try:
            seed = torch.ones_like(results(x, None)[1])
            expected = results(x, seed)
            for count in (1, 3):
                torch.set_num_threads(count)
                for name, one, other in zip(names, expected, results(x, seed)):
                    if not torch.equal(one, other):
                        raise Failure(f"{name}: other bits with {count} threads")
        finally:
            torch.set_num_threads(threads)
        alone = results(x[row:row + 1], seed[row:row + 1])
        for name, one, other in zip(names[:3], expected, alone):
            if not torch.equal(one[row:row + 1], other):
                raise Failure(f"{name}: other bits for picture {row} alone")

    return f"bits {a}", check


def alias_case(rng):
    c, f = 64, 64
    x, weight = draw(rng, [2, c, 6, 6]).contiguous(memory_format=CL), draw(rng, [f, c, 3, 3], 0.1)
    way = rng.choice(["data", "detach", "view", "optimizer", "storage"])

    def check():
        def output():
            return ops.convolution(x, weight, None, 1, 1, 0, False)

        # Weights are packed anew until they have been used a few times.
        for _ in range(6):
            output()
        if way == "data":
            weight.data[rng.randrange(f)] += 1
        elif way == "detach":
            weight.detach().mul_(2)
        elif way == "view":
            weight.view(-1)[rng.randrange(weight.numel())] += 3
        elif way == "optimizer":
            weight.grad = torch.ones_like(weight)
            torch.optim.SGD([weight], lr=0.1).step()
        else:
            torch.from_dlpack(weight.detach()).add_(0.5)
        if error(output(), F.conv2d(x.double(), weight.double(), None, 1, 1)) > 1e-5:
            raise Failure("packed weights are stale")

    return f"weights changed by {way}", check


KINDS = {
    "convolution": (6, lambda rng: convolution_case(rng, False)),
    "activated": (3, lambda rng: convolution_case(rng, True)),
    "tiled": (0.3, lambda rng: convolution_case(rng, rng.random() < 0.3, tiled_shape)),
    "bits": (0.1, bits_case),
    "plain": (3, plain_case),
    "norm": (2, lambda rng: norm_case(rng, False)),
    "normconvolution": (3, lambda rng: norm_case(rng, True)),
    "pixels": (1, pixels_case),
    "resampled": (1.5, resampled_case),
    "warp": (1, warp_case),
    "alias": (1, alias_case),
}


def attempt(function, *arguments):
    try:
        return function(*arguments), None
    except (RuntimeError, ValueError) as problem:
        return None, problem


def run(case):
    if len(case) == 2:
        case[1]()
        return False
    text, own, plain, inputs, bf16, order = case
    exact, refused = attempt(derivatives, plain, inputs, order, torch.float64)
    if refused is not None:
        # Some shapes are refused in float64 alone, such as empty outputs of transposed convolutions.
        same, refused = attempt(derivatives, plain, inputs, order, torch.float32)
        exact = None if same is None else [None if x is None else x.double() for x in same]
    with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
        found, problem = attempt(derivatives, own, inputs, order, torch.float32)
        if refused is not None:
            if problem is None:
                raise Failure(f"accepted what PyTorch refuses: {refused}")
            return True
        if problem is not None:
            # Beyond any tensor, or an empty output, which PyTorch refuses in some precisions only.
            if "1099511627776" in text or "Output size is too small" in str(problem):
                return True
            # PyTorch does not look at the output padding of an empty batch.
            if "output padding" in str(problem) and inputs[0].numel() == 0:
                return True
            raise Failure(f"refused: {problem}")
        reference = derivatives(plain, inputs, order, torch.float32)
    names = ["output"] + [f"gradient {k}" for k in range(len(inputs))] + [f"second {k}" for k in range(len(inputs))]
    # Tiles round sums that are larger than the result: up to four times PyTorch's error, more where that is tiny.
    compare(names, found, reference, exact, 6 if bf16 else 12)
    return False


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("library")
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 31))
    parser.add_argument("--only", choices=sorted(KINDS))
    parser.add_argument("--from", dest="first", type=int, default=0)
    options = parser.parse_args()
    torch.ops.load_library(options.library)
    print(f"PyTorch {torch.__version__}, {torch.get_num_threads()} threads, seed {options.seed}", flush=True)
    names = [options.only] if options.only else list(KINDS)
    weights = [KINDS[name][0] for name in names]
    counts, refusals, failures, start, said = {}, 0, [], time.monotonic(), time.monotonic()
    last = options.first + options.cases
    # A crash leaves the case in this file, which the script prints.
    running = open(os.path.join(os.path.dirname(options.library), "case.txt"), "w")
    for number in range(options.first, last):
        rng = random.Random(options.seed * 1_000_003 + number)
        name = rng.choices(names, weights)[0]
        counts[name] = counts.get(name, 0) + 1
        case = KINDS[name][1](rng)
        running.seek(0)
        running.truncate()
        running.write(f"case {number}, seed {options.seed}: {case[0]}\n")
        running.flush()
        try:
            refusals += run(case)
        except Failure as failure:
            failures.append(number)
            print(f"case {number}: {case[0]}\n    {failure}", flush=True)
            if len(failures) == 20:
                print("too many failures")
                break
        if time.monotonic() - said > 20:
            said = time.monotonic()
            done = number + 1 - options.first
            left = (said - start) / done * (options.cases - done)
            print(f"{done} of {options.cases} cases, about {left:.0f} s left", flush=True)
    total = sum(counts.values())
    print(", ".join(f"{count} {name}" for name, count in sorted(counts.items())) + f"; {refusals} refused as by PyTorch")
    print(f"{total} cases, {len(failures)} failures, {time.monotonic() - start:.0f} s, seed {options.seed}")
    sys.exit(1 if failures or total == 0 else 0)


if __name__ == "__main__":
    main()
