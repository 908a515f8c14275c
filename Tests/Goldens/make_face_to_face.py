"""Creates the goldens of the face-to-face networks and their losses.

Runs in any folder (requires torch and safetensors):
    python Tests/Goldens/make_face_to_face.py

Every network is a plain implementation of its paper, with random weights. Structural similarity is a loop over windows, in double
precision.
"""
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import nn

OUT = Path(__file__).parent / "Models"
found = {}


def act(x, slope=0.2):
    return F.leaky_relu(x, slope)


# ---- Autoencoder ----------------------------------------------------------------------------------------

class Doubling(nn.Module):
    def __init__(self, a, b):
        super().__init__()
        self.conv = nn.Conv2d(a, 4 * b, 3, padding=1)

    def forward(self, x):
        return F.pixel_shuffle(act(self.conv(x), 0.1), 2)


class DecoderBlock(nn.Module):
    def __init__(self, a, b):
        super().__init__()
        self.enlarge = Doubling(a, b)
        self.conv1, self.conv2 = nn.Conv2d(b, b, 3, padding=1), nn.Conv2d(b, b, 3, padding=1)

    def forward(self, x):
        x = self.enlarge(x)
        return act(self.conv2(act(self.conv1(x))) + x)


class Autoencoder(nn.Module):
    def __init__(self, side, e, code, d, norm, half, skips):
        super().__init__()
        self.norm, self.halves, self.inner, self.width = norm, half, side // (32 if half else 16), code
        widths = [3, e, 2 * e, 4 * e, 8 * e]
        layers = []
        for a, b in zip(widths, widths[1:]):
            layers += [nn.Conv2d(a, b, 5, 2, 2), nn.LeakyReLU(0.1)]
        self.encoder = nn.Sequential(*layers)
        self.dense1 = nn.Linear(8 * e * (side // 16) ** 2, code)
        self.dense2 = nn.Linear(code, self.inner ** 2 * code)
        self.widen = Doubling(code, code)
        steps = [code, 8 * d, 4 * d, 2 * d]
        self.blocks = nn.ModuleList(DecoderBlock(a, b) for a, b in zip(steps, steps[1:]))
        if skips:
            # Without the option half, the decoder's blocks end at a quarter, half and all of the side.
            self.shortcuts = nn.ModuleList([nn.Conv2d(widths[2], steps[1], 1), nn.Conv2d(widths[1], steps[2], 1)])
        self.output = nn.ModuleList(nn.Conv2d(2 * d, 3, k, padding=k // 2) for k in ([1, 3, 3, 3] if half else [1]))
        self.skips = skips

    def forward(self, x):
        x, maps = (x + 1) / 2, []
        for layer in self.encoder:
            x = layer(x)
            if isinstance(layer, nn.LeakyReLU):
                maps.append(x)
        x = x.flatten(1)
        if self.norm:
            x = x * torch.rsqrt(x.square().mean(1, keepdim=True) + 1e-6)
        x = self.dense2(self.dense1(x)).view(len(x), self.width, self.inner, self.inner)
        x = self.widen(x)
        for i, block in enumerate(self.blocks):
            x = block(x)
            if self.skips and i < 2:
                x = x + self.shortcuts[i](maps[1 - i])
        parts = [conv(x) for conv in self.output]
        if not self.halves:
            return torch.sigmoid(parts[0]) * 2 - 1
        # Depth-to-space of TensorFlow: each convolution computes one of four neighbors.
        n, c, h, w = parts[0].shape
        y = torch.empty(n, c, 2 * h, 2 * w)
        for i, part in enumerate(parts):
            y[:, :, i // 2::2, i % 2::2] = part
        return torch.sigmoid(y) * 2 - 1


# ---- Critics --------------------------------------------------------------------------------------------

class PatchCritic(nn.Module):
    def __init__(self, strides, base):
        super().__init__()
        w = [min(base << i, 512) for i in range(len(strides) + 1)]
        self.input = nn.Conv2d(3, w[0], 1)
        self.down = nn.ModuleList(nn.Conv2d(w[i], w[i + 1], 3, s, 1) for i, s in enumerate(strides))
        self.centre_output, self.centre = nn.Conv2d(w[-1], 1, 1), nn.Conv2d(w[-1], w[-1], 1)
        n = len(strides)
        self.up = nn.ModuleList(
            nn.ConvTranspose2d(w[i + 1] * (1 if i == n - 1 else 2), w[i], 3, strides[i], 1, strides[i] - 1)
            for i in reversed(range(n)))
        self.output = nn.Conv2d(2 * w[0], 1, 1)

    def forward(self, x):
        x, maps = act(self.input(x)), []
        for conv in self.down:
            maps.append(x)
            x = act(conv(x))
        patches = self.centre_output(x)
        x = act(self.centre(x))
        for conv in self.up:
            x = torch.cat([act(conv(x)), maps.pop()], 1)
        return patches.flatten(1), self.output(x).flatten(1)


# ---- Super resolution -----------------------------------------------------------------------------------

class Pair(nn.Module):
    def __init__(self, w):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(w, w, 3, padding=1), nn.Conv2d(w, w, 3, padding=1)

    def forward(self, x):
        return x + self.conv2(F.relu(self.conv1(x)))


class Enlarger(nn.Module):
    def __init__(self, w, blocks, ups):
        super().__init__()
        self.conv_first = nn.Conv2d(3, w, 3, padding=1)
        self.body = nn.ModuleList(Pair(w) for _ in range(blocks))
        self.upconvs = nn.ModuleList(nn.Conv2d(w, 4 * w, 3, padding=1) for _ in range(ups))
        self.conv_hr, self.conv_last = nn.Conv2d(w, w, 3, padding=1), nn.Conv2d(w, 3, 3, padding=1)

    def forward(self, x):
        base = F.interpolate(x, scale_factor=2 ** len(self.upconvs), mode="bilinear", align_corners=False)
        x = act(self.conv_first(x), 0.1)
        for block in self.body:
            x = block(x)
        for conv in self.upconvs:
            x = act(F.pixel_shuffle(conv(x), 2), 0.1)
        return self.conv_last(act(self.conv_hr(x), 0.1)) + base


class Dense(nn.Module):
    def __init__(self, w, g):
        super().__init__()
        for i in range(5):
            setattr(self, f"conv{i + 1}", nn.Conv2d(w + i * g, w if i == 4 else g, 3, padding=1))

    def forward(self, x):
        seen = [x]
        for i in range(4):
            seen.append(act(getattr(self, f"conv{i + 1}")(torch.cat(seen, 1))))
        return x + 0.2 * self.conv5(torch.cat(seen, 1))


class Triple(nn.Module):
    def __init__(self, w, g):
        super().__init__()
        self.rdb1, self.rdb2, self.rdb3 = Dense(w, g), Dense(w, g), Dense(w, g)

    def forward(self, x):
        return x + 0.2 * self.rdb3(self.rdb2(self.rdb1(x)))


class DenseEnlarger(nn.Module):
    def __init__(self, w, g, blocks, ups):
        super().__init__()
        self.conv_first, self.conv_body = nn.Conv2d(3, w, 3, padding=1), nn.Conv2d(w, w, 3, padding=1)
        self.body = nn.ModuleList(Triple(w, g) for _ in range(blocks))
        self.upconvs = nn.ModuleList(nn.Conv2d(w, w, 3, padding=1) for _ in range(ups))
        self.conv_hr, self.conv_last = nn.Conv2d(w, w, 3, padding=1), nn.Conv2d(w, 3, 3, padding=1)

    def forward(self, x):
        first = x = self.conv_first(x)
        for block in self.body:
            x = block(x)
        x = first + self.conv_body(x)
        for conv in self.upconvs:
            x = act(conv(F.interpolate(x, scale_factor=2)))
        return self.conv_last(act(self.conv_hr(x)))


# ---- Conversion -----------------------------------------------------------------------------------------

def tiled(a, x):
    return a[:, :, None, None].expand(-1, -1, *x.shape[2:])


class Halving(nn.Module):
    def __init__(self, a, b):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(a, b, 4, 2, 1, bias=False), nn.BatchNorm2d(b)

    def forward(self, x):
        return act(self.norm(self.conv(x)))


class Unit(nn.Module):
    def __init__(self, w, inside, k):
        super().__init__()
        self.up = nn.ConvTranspose2d(inside + k, w, 4, 2, 1)
        self.reset, self.update, self.hidden = (nn.Conv2d(2 * w, w, 3, padding=1) for _ in range(3))

    def forward(self, x, state, a):
        told = self.up(torch.cat([state, tiled(a, state)], 1))
        r = torch.sigmoid(self.reset(torch.cat([x, told], 1)))
        z = torch.sigmoid(self.update(torch.cat([x, told], 1)))
        state = r * told
        h = torch.tanh(self.hidden(torch.cat([x, state], 1)))
        return (1 - z) * told + z * h, state


class Converter(nn.Module):
    """Three levels, one selective skip, changes as input of the two innermost layers of the decoder."""

    def __init__(self, w, k):
        super().__init__()
        self.encoder = nn.ModuleList([Halving(3, w), Halving(w, 2 * w), Halving(2 * w, 4 * w)])
        self.units = nn.ModuleList([Unit(2 * w, 4 * w, k)])
        self.decoder = nn.ModuleList([
            nn.ConvTranspose2d(4 * w + k, 2 * w, 4, 2, 1, bias=False),
            nn.ConvTranspose2d(2 * w + 2 * w + k, w, 4, 2, 1, bias=False),
            nn.ConvTranspose2d(w, 3, 4, 2, 1)])
        self.norms = nn.ModuleList([nn.BatchNorm2d(2 * w), nn.BatchNorm2d(w)])

    def forward(self, x, a):
        maps = []
        for block in self.encoder:
            x = block(x)
            maps.append(x)
        x = F.relu(self.norms[0](self.decoder[0](torch.cat([x, tiled(a, x)], 1))))
        chosen, _ = self.units[0](maps[1], maps[2], a)
        x = F.relu(self.norms[1](self.decoder[1](torch.cat([x, chosen, tiled(a, x)], 1))))
        return torch.tanh(self.decoder[2](x))


class ConverterCritic(nn.Module):
    def __init__(self, w, side, k, dense):
        super().__init__()
        self.main = nn.Sequential(*[
            m for a, b in [(3, w), (w, 2 * w), (2 * w, 4 * w)]
            for m in (nn.Conv2d(a, b, 4, 2, 1), nn.InstanceNorm2d(b, affine=True), nn.LeakyReLU(0.2))])
        flat = 4 * w * (side // 8) ** 2
        self.dense, self.head = nn.Linear(flat, dense), nn.Linear(dense, 1)
        self.attribute_dense, self.attribute_head = nn.Linear(flat, dense), nn.Linear(dense, k)
        self.label_head = nn.ModuleDict({"embed": nn.Linear(k, dense, bias=False)})

    def forward(self, x, y):
        x = self.main(x).flatten(1)
        h = act(self.dense(x))
        fit = (self.label_head["embed"](y) * h).sum(1)
        return self.head(h).flatten() + fit, self.attribute_head(act(self.attribute_dense(x)))


# ---- Recording ------------------------------------------------------------------------------------------

def record(name, module, *inputs):
    torch.manual_seed(len(found))
    for p in module.parameters():
        with torch.no_grad():
            p.copy_(torch.randn_like(p) * (0.5 / max(1, p[0].numel()) ** 0.5 if p.dim() > 1 else 0.1))
    for key, value in module.state_dict().items():
        found[f"{name}.start.{key}"] = value.clone()
    for i, x in enumerate(inputs):
        found[f"{name}.input{i}"] = x
    outputs = module(*inputs)
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    seeds = [torch.randn_like(y) for y in outputs]
    grads = torch.autograd.grad(outputs, list(module.parameters()), seeds)
    for i, (y, s) in enumerate(zip(outputs, seeds)):
        found[f"{name}.output{i}"], found[f"{name}.seed{i}"] = y.detach(), s
    for (key, _), g in zip(module.named_parameters(), grads):
        found[f"{name}.gradient.{key}"] = g


def pictures(n, side):
    return torch.rand(n, 3, side, side) * 2 - 1


torch.manual_seed(0)
record("df", Autoencoder(32, 2, 4, 1, False, False, False), pictures(2, 32))
record("dfud", Autoencoder(64, 1, 4, 1, True, True, False), pictures(1, 64))
record("dfskips", Autoencoder(32, 2, 4, 1, False, False, True), pictures(2, 32))
record("unet", PatchCritic([2, 1, 2], 2), pictures(2, 16))
record("srresnet", Enlarger(4, 2, 2), pictures(2, 8))
record("rrdb", DenseEnlarger(4, 2, 1, 1), pictures(2, 8))
record("converter", Converter(2, 3), pictures(3, 32), torch.tensor([[1.0, 0, -1], [0, 0, 0], [0, 1.5, 0]]))
record("convertercritic", ConverterCritic(2, 32, 3, 4), pictures(3, 32),
       torch.tensor([[1.0, -1, -1], [0, 1, 1], [-1, -1, 1]]))


# ---- Losses ---------------------------------------------------------------------------------------------

def dssim(x, y, window):
    t = torch.arange(window, dtype=torch.float64) - (window - 1) / 2
    g = torch.exp(-t ** 2 / (2 * 1.5 ** 2))
    g = torch.outer(g, g)
    g /= g.sum()
    total, n = 0, 0
    for i in range(x.shape[2] - window + 1):
        for j in range(x.shape[3] - window + 1):
            a, b = x[:, :, i:i + window, j:j + window], y[:, :, i:i + window, j:j + window]
            ma, mb = (a * g).sum((2, 3)), (b * g).sum((2, 3))
            va, vb = (a * a * g).sum((2, 3)) - ma ** 2, (b * b * g).sum((2, 3)) - mb ** 2
            c = (a * b * g).sum((2, 3)) - ma * mb
            s = (2 * ma * mb + 1e-4) / (ma ** 2 + mb ** 2 + 1e-4) * (2 * c + 9e-4) / (va + vb + 9e-4)
            total, n = total + (1 - s.mean()) / 2, n + 1
    return total / n


x = (pictures(1, 64).double() * 0.5).requires_grad_()
y = (x.detach() + 0.2 * torch.randn_like(x)).clamp(-1, 1)
a, b = x / 2 + 0.5, y / 2 + 0.5
loss = 10 * dssim(a, b, int(64 / 11.6)) + 10 * F.mse_loss(a, b) + 3 * F.l1_loss(a, b)
found["loss.x"], found["loss.y"] = x.detach().float(), y.float()
found["loss.value"] = loss.detach()
found["loss.gradient"] = torch.autograd.grad(loss, x)[0].float()

save_file({k: v.contiguous() for k, v in found.items()}, OUT / "face-to-face.safetensors")
print(len(found), sum(v.numel() * v.element_size() for v in found.values()))
