"""Creates the goldens of the module TorchNN with PyTorch and, for AdaBelief, with its authors' package.

Requires torch, safetensors and adabelief-pytorch. Runs in any folder: python Tests/Goldens/make_torchnn.py
"""
import json
import math
from pathlib import Path

import torch
from adabelief_pytorch import AdaBelief
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional as F
from torch.optim import lr_scheduler as schedules

OUT = Path(__file__).parent / "TorchNN"
OUT.mkdir(exist_ok=True)


def save(name, tensors):
    save_file({key: value.detach().clone().contiguous() for key, value in tensors.items()},
              OUT / f"{name}.safetensors")


def randomize(module):
    """Sets parameters to values that differ from all defaults, so that exchanged parameters are detected."""
    for key, parameter in module.named_parameters():
        nn.init.normal_(parameter, 1 if key.endswith("weight") and parameter.dim() == 1 else 0, 0.3)
    return module


# --- layers: values and gradients for one cotangent -----------------------------------------------------------------

class PixelNorm(nn.Module):
    def forward(self, x):
        return x / torch.sqrt(torch.mean(x ** 2, dim=1, keepdim=True) + 1e-8)


class Scaled(nn.Module):
    """Module for a function of PyTorch."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


LAYERS = {
    "linear": (nn.Linear(5, 7), (4, 5)),
    "linear-plain": (nn.Linear(5, 7, bias=False), (2, 3, 5)),
    "conv": (nn.Conv2d(3, 6, 4, 2, 1), (2, 3, 9, 8)),
    "conv-groups": (nn.Conv2d(4, 6, 3, 1, 1, groups=2, bias=False), (2, 4, 5, 5)),
    "transposed": (nn.ConvTranspose2d(5, 3, 4, 2, 1, bias=False), (2, 5, 4, 4)),
    "transposed-stem": (nn.ConvTranspose2d(6, 4, 4, 1, 0), (3, 6, 1, 1)),
    "transposed-groups": (nn.ConvTranspose2d(4, 6, 5, 2, 2, output_padding=1, groups=2), (2, 4, 3, 3)),
    "layer-norm": (nn.LayerNorm(6), (3, 4, 6)),
    "layer-norm-picture": (nn.LayerNorm([3, 4, 4]), (2, 3, 4, 4)),
    "layer-norm-plain": (nn.LayerNorm(6, elementwise_affine=False, eps=1e-3), (5, 6)),
    "instance-norm": (nn.InstanceNorm2d(3), (2, 3, 5, 4)),
    "instance-norm-affine": (nn.InstanceNorm2d(3, affine=True, eps=1e-2), (2, 3, 5, 4)),
    "group-norm": (nn.GroupNorm(2, 6), (2, 6, 4, 4)),
    "group-norm-plain": (nn.GroupNorm(3, 6, affine=False), (2, 6, 4, 4)),
    "pixel-norm": (PixelNorm(), (2, 5, 3, 3)),
    "pixel-norm-vector": (PixelNorm(), (4, 8)),
    "upsample": (nn.Upsample(scale_factor=2), (2, 3, 4, 3)),
    "upsample-bilinear": (nn.Upsample(scale_factor=3, mode="bilinear"), (2, 3, 4, 3)),
    "downsample": (nn.AvgPool2d(2), (2, 3, 6, 4)),
    "reshape": (nn.Unflatten(1, (2, 3, 2)), (4, 12)),
    "relu": (nn.ReLU(), (3, 20)),
    "leaky-relu": (nn.LeakyReLU(0.2), (3, 20)),
    "tanh": (nn.Tanh(), (3, 20)),
    "sigmoid": (nn.Sigmoid(), (3, 20)),
    "silu": (nn.SiLU(), (3, 20)),
    "gelu": (Scaled(F.gelu), (3, 20)),
    "elu": (Scaled(lambda x: F.elu(x, 0.7)), (3, 20)),
    "softplus": (Scaled(F.softplus), (3, 20)),
}

torch.manual_seed(1)
found = {}


def record(name, module, x):
    """Output and gradients."""
    output = module(x)
    seed = torch.randn(output.shape)
    targets = {"input": x} if x.requires_grad else {}
    targets |= dict(module.named_parameters())
    output.backward(seed)
    found.update({f"{name}/input": x, f"{name}/output": output, f"{name}/seed": seed})
    for key, tensor in targets.items():
        found[f"{name}/gradient.{key}"] = tensor.grad
        tensor.grad = None


for name, (module, shape) in LAYERS.items():
    randomize(module)
    found.update({f"{name}/state.{key}": value for key, value in module.state_dict().items()})
    record(name, module, (torch.randn(shape) * 2).requires_grad_())

embedding = nn.Embedding(6, 4)
found["embedding/state.weight"] = embedding.weight
record("embedding", embedding, torch.tensor([[0, 3, 3], [5, 1, 3]]))

# Three batches in training mode, then inference mode.
for name, shape in {"batch-norm": (4, 3, 5, 4), "batch-norm-vector": (6, 3)}.items():
    kind = nn.BatchNorm2d if len(shape) == 4 else nn.BatchNorm1d
    norm = randomize(kind(3, momentum=0.3, eps=1e-3))
    found.update({f"{name}/state.{key}": value.clone() for key, value in norm.state_dict().items()})
    for step in range(3):
        record(f"{name}-{step}", norm, (torch.randn(shape) * 2 + 1).requires_grad_())
    found.update({f"{name}/after.{key}": value.clone() for key, value in norm.state_dict().items()})
    record(f"{name}-use", norm.eval(), (torch.randn(shape) * 2 + 1).requires_grad_())

# Last, so that the random numbers of the other cases do not change.
MORE = {
    "relu6": (nn.ReLU6(), (3, 40)),
    "max-pool": (nn.MaxPool2d(3, 2, 1), (2, 3, 6, 5)),
    "max-pool-remainder": (nn.MaxPool2d(3, 2, ceil_mode=True), (2, 3, 6, 8)),
    "conv-rectangular": (nn.Conv2d(3, 6, (1, 5), 2, (0, 2)), (2, 3, 7, 6)),
    "conv-square": (nn.Conv2d(3, 6, 3, 1, 1, bias=False), (2, 3, 5, 4)),
}
for name, (module, shape) in MORE.items():
    randomize(module)
    found.update({f"{name}/state.{key}": value for key, value in module.state_dict().items()})
    record(name, module, (torch.randn(shape) * 4).requires_grad_())
save("layers", found)

# --- keys of a nested network ---------------------------------------------------------------------------------------


class Block(nn.Module):
    def __init__(self, inputs, outputs, shortcut):
        super().__init__()
        self.register_buffer("noise_const", torch.zeros(2, 2))
        self.noise_strength = nn.Parameter(torch.zeros([]))
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.norm = nn.BatchNorm2d(outputs)
        self.shortcut = nn.Conv2d(inputs, outputs, 1, bias=False) if shortcut else None


class Nested(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(3, 4)
        self.blocks = nn.ModuleList([Block(4, 4, False), Block(4, 8, True)])
        self.scales = nn.ParameterList([nn.Parameter(torch.ones(1)), nn.Parameter(torch.ones(2))])
        self.main = nn.Sequential(nn.Conv2d(8, 8, 3), nn.ReLU(), nn.Sequential(nn.LayerNorm(8), nn.Tanh()))
        self.to_image = nn.Linear(8, 3)
        self.tied = self.embed


nested = Nested()
counts = {"parameters": sum(p.numel() for p in nested.parameters()),
          "parameterKeys": [key for key, _ in nested.named_parameters()]}
(OUT / "keys.json").write_text(json.dumps({"state": list(nested.state_dict()), **counts}, indent=1) + "\n")

# --- initialization from a seed ---------------------------------------------------------------------------------------

INIT = nn.init
INITIALIZERS = {
    "normal": lambda t, g: INIT.normal_(t, 0, 0.02, generator=g),
    "xavier-uniform": lambda t, g: INIT.xavier_uniform_(t, generator=g),
    "xavier-uniform-gain": lambda t, g: INIT.xavier_uniform_(t, gain=math.sqrt(2), generator=g),
    "xavier-normal": lambda t, g: INIT.xavier_normal_(t, gain=0.5, generator=g),
    "he-uniform": lambda t, g: INIT.kaiming_uniform_(t, generator=g),
    "he-uniform-slope": lambda t, g: INIT.kaiming_uniform_(t, a=0.2, generator=g),
    "he-normal": lambda t, g: INIT.kaiming_normal_(t, generator=g),
    "he-normal-slope": lambda t, g: INIT.kaiming_normal_(t, a=0.2, generator=g),
    "orthogonal": lambda t, g: INIT.orthogonal_(t, generator=g),
    "orthogonal-gain": lambda t, g: INIT.orthogonal_(t, gain=1.5, generator=g),
}
found = {}
for shape in [(7, 5), (5, 7), (6, 3, 4, 4)]:
    for name, fill in INITIALIZERS.items():
        generator = torch.Generator().manual_seed(11)
        tensor = fill(torch.empty(shape), generator)
        found[f"{name}/" + "x".join(map(str, shape))] = tensor

# Layers use PyTorch's default generator. Seeding it after construction and resetting them draws in the same order.
DEFAULTS = {
    "linear": nn.Linear(5, 7),
    "conv": nn.Conv2d(4, 6, 3, groups=2),
    "transposed": nn.ConvTranspose2d(4, 6, 3, groups=2),
    "embedding": nn.Embedding(6, 4),
}
for name, layer in DEFAULTS.items():
    torch.manual_seed(12)
    layer.reset_parameters()
    found.update({f"default-{name}/{key}": value for key, value in layer.state_dict().items()})
torch.manual_seed(13)
found["batch-norm/weight"] = INIT.normal_(torch.empty(37), 1, 0.02)
save("initializers", found)

# --- optimizers: ten steps on given gradients -------------------------------------------------------------------

SHAPES = {"conv.weight": (6, 4, 3, 3), "conv.bias": (6,), "linear.weight": (5, 7)}
STEPS = 10
RATE = 0.01
OPTIMIZERS = {
    "adam": lambda p: torch.optim.Adam(p, lr=RATE, betas=(0.5, 0.999)),
    "adam-l2": lambda p: torch.optim.Adam(p, lr=RATE, betas=(0.9, 0.99), eps=1e-6, weight_decay=0.1),
    "adamw": lambda p: torch.optim.AdamW(p, lr=RATE, betas=(0.9, 0.999), weight_decay=0.1),
    "sgd": lambda p: torch.optim.SGD(p, lr=RATE),
    "sgd-momentum": lambda p: torch.optim.SGD(p, lr=RATE, momentum=0.9, weight_decay=0.1),
    "rmsprop": lambda p: torch.optim.RMSprop(p, lr=RATE),
    "rmsprop-l2": lambda p: torch.optim.RMSprop(p, lr=RATE, alpha=0.9, eps=1e-6, weight_decay=0.1),
    "adabelief": lambda p: AdaBelief(p, lr=RATE, rectify=False, print_change_log=False),
    "adabelief-decay": lambda p: AdaBelief(
        p, lr=RATE, betas=(0.5, 0.99), eps=1e-12, weight_decay=0.1, weight_decouple=True, rectify=False,
        print_change_log=False),
}
torch.manual_seed(2)
starts = {key: torch.randn(shape) for key, shape in SHAPES.items()}
gradients = [{key: torch.randn(shape) * 0.5 for key, shape in SHAPES.items()} for _ in range(STEPS)]
# A parameter without a gradient in one step has its own step count.
del gradients[3]["conv.bias"]
found = {f"start/{key}": value for key, value in starts.items()}
for step, given in enumerate(gradients):
    found.update({f"gradient-{step}/{key}": value for key, value in given.items()})
for name, make in OPTIMIZERS.items():
    parameters = {key: nn.Parameter(value.clone()) for key, value in starts.items()}
    optimizer = make(list(parameters.values()))
    for step, given in enumerate(gradients):
        for key, parameter in parameters.items():
            parameter.grad = given[key].clone() if key in given else None
        optimizer.step()
        if step in (0, STEPS - 1):
            found.update({f"{name}-{step}/{key}": value.detach().clone() for key, value in parameters.items()})

# --- clipping ---------------------------------------------------------------------------------------------------

for limit in (0.5, 1000):
    parameters = [nn.Parameter(value.clone()) for value in starts.values()]
    for parameter, gradient in zip(parameters, gradients[0].values()):
        parameter.grad = gradient.clone()
    found[f"clip-{limit}/norm"] = nn.utils.clip_grad_norm_(parameters, limit)
    found.update({f"clip-{limit}/{key}": parameter.grad for key, parameter in zip(starts, parameters)})
save("optimizers", found)

# --- schedules: factors of the learning rate after 0, 1, 2 ... thousand images -----------------------------------------------


def factors(make, count=41):
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1, dtype=torch.float64))], lr=1)
    schedule = make(optimizer)
    values = []
    for _ in range(count):
        values.append(schedule.get_last_lr()[0])
        optimizer.step()
        schedule.step()
    return values


(OUT / "schedules.json").write_text(json.dumps({
    "cosine": factors(lambda o: schedules.CosineAnnealingLR(o, 40)),
    "cosineToTenth": factors(lambda o: schedules.CosineAnnealingLR(o, 40, eta_min=0.1)),
    "linear": factors(lambda o: schedules.LinearLR(o, 1, 0.25, 40)),
    "step": factors(lambda o: schedules.StepLR(o, 8, 0.5)),
    "warmUp": factors(lambda o: schedules.LambdaLR(o, lambda k: min(1, k / 10))),
    "delayedLinear": factors(lambda o: schedules.SequentialLR(
        o, [schedules.ConstantLR(o, 1), schedules.LinearLR(o, 1, 0.5, 20)], [10])),
}, indent=1) + "\n")
