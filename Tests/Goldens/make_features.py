"""Creates the goldens of the feature networks, with the packages that define them.

Requires torch, torchvision, lpips, pytorch-fid, torch-fidelity and safetensors. Runs in any folder:
    python Tests/Goldens/make_features.py
Weights and pictures are computed by formulas that the tests repeat. The files contain results only, so no published weights are
required.
"""
import hashlib
import json
import tempfile
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional as F

try:
    # A torchvision without compiled operators cannot be imported unless their names exist.
    library = torch.library.Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    import torchvision
except RuntimeError:
    import torchvision

import lpips
import pytorch_fid.inception
from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

OUT = Path(__file__).parent / "Models"
models = torchvision.models
found, keys = {}, {}


def bounds(key, tensor):
    """Range of the values of a tensor, in which the maps of a deep network neither vanish nor overflow."""
    if key.startswith("lin"):
        return 0, 0.1
    if tensor.dim() >= 2:
        limit = (6 / tensor[0].numel()) ** 0.5
        return -limit, limit
    if key.endswith("running_var"):
        return 0.5, 1.5
    return (0.8, 1.2) if key.endswith("weight") else (-0.1, 0.1)


def fill(state, seed=1):
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for key, tensor in state.items():
            if not key.endswith("num_batches_tracked"):
                tensor.uniform_(*bounds(key, tensor), generator=generator)


def pictures(count, height, width, first=0):
    """Pictures of bytes."""
    n = torch.arange(first, first + count).view(-1, 1, 1, 1)
    c, y, x = (torch.arange(size).view(shape) for size, shape in
               ((3, (1, 3, 1, 1)), (height, (1, 1, -1, 1)), (width, (1, 1, 1, -1))))
    return ((x * (3 + n) + y * (5 + 2 * c) + x * y // 8 + 40 * c) % 256).to(torch.uint8)


def sampled(tensor, most=400):
    """A limited number of values, evenly spaced."""
    flat = tensor.detach().flatten()
    return flat[::max(1, -(-flat.numel() // most))].clone()


def note(name, state):
    """Digest of keys and shapes, in their order."""
    lines = [f"{key} {list(tensor.shape)}\n" for key, tensor in state.items()]
    keys[name] = {"count": len(lines), "sha256": hashlib.sha256("".join(lines).encode()).hexdigest()}


PICTURES = {"small": pictures(2, 48, 64), "large": pictures(1, 310, 320)}
MEAN, DEVIATION = ([[[v]] * 1 for v in values] for values in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))


def normalized(images):
    return (images - torch.tensor(MEAN)) / torch.tensor(DEVIATION)


def resized(images, side):
    return F.interpolate(images, (side, side), mode="bilinear", antialias=True)


# --- Inception ------------------------------------------------------------------------------------------------------

state = models.inception_v3(num_classes=1008, aux_logits=False, init_weights=False).state_dict()
note("inception", state)
fill(state)
pytorch_fid.inception.load_state_dict_from_url = lambda *_, **__: state
first = pytorch_fid.inception.InceptionV3([3]).eval()
with tempfile.TemporaryDirectory() as folder:
    torch.save(state, folder + "/weights.pth")
    second = FeatureExtractorInceptionV3("inception", ["2048", "logits_unbiased", "logits"], folder + "/weights.pth")
third = models.inception_v3(init_weights=False, transform_input=True).eval()
note("inception-torchvision", third.state_dict())
fill(third.state_dict())
third.fc = nn.Identity()
with torch.no_grad():
    for size, images in PICTURES.items():
        found[f"inception-pytorch-fid/{size}"] = first(images / 255)[0].flatten(1)
        results = second(images)
        for name, tensor in zip(("", "/logits", "/biased"), results):
            found[f"inception-torch-fidelity/{size}{name}"] = tensor
        found[f"inception-torchvision/{size}"] = third(normalized(resized(images / 255, 299)))

# --- VGG16, AlexNet, SqueezeNet: features, taps ----------------------------------------------------------------------

TRUNKS = {"vgg16": ("vgg", models.vgg16), "alexnet": ("alex", models.alexnet), "squeezenet": ("squeeze", models.squeezenet1_1)}
for name, (short, make) in TRUNKS.items():
    trunk = make()
    state = {key: value for key, value in trunk.state_dict().items() if key.startswith("features.")}
    note(name, state)
    fill(state)
    distance = lpips.LPIPS(net=short, pnet_rand=True, verbose=False)
    heads = {f"lin{i}.model.1.weight": lin.model[-1].weight for i, lin in enumerate(distance.lins)}
    note(f"lpips-{short}", heads)
    with torch.no_grad():
        for size, images in PICTURES.items():
            found[f"{name}/{size}"] = trunk.features(normalized(resized(images / 255, 224))).mean((2, 3))
        if name == "squeezenet":
            images = PICTURES["small"].float()
            images = resized(images, 227).flip(1) - torch.tensor([104.0, 117.0, 123.0]).view(1, 3, 1, 1)
            found["squeezenet-caffe/small"] = trunk.features(images).mean((2, 3))
        # The layers have the order of torchvision's.
        for parameter, value in zip(distance.net.parameters(), state.values(), strict=True):
            parameter.copy_(value)
        for i, tap in enumerate(distance.net(normalized(PICTURES["small"] / 255))):
            found[f"{name}/tap{i}"] = tap
        fill(heads, seed=2)
    a, b = (pictures(3, 72, 64, first) / 127.5 - 1 for first in (0, 4))
    # A darker picture, another picture, a mirrored picture.
    b = torch.stack([a[0] * 0.5, b[1], a[2].flip(-1)])
    a.requires_grad_()
    values = distance(a, b).flatten()
    values.sum().backward()
    found |= {f"lpips-{short}/distance": values, f"lpips-{short}/gradient": a.grad}


# --- MobileFaceNet --------------------------------------------------------------------------------------------------
# No package contains it, so this is a plain implementation of the paper's table 1 with the names of the published file.

def unit(a, b, kernel, stride=1, groups=1):
    return nn.Sequential(nn.Conv2d(a, b, kernel, stride, kernel // 2, groups=groups, bias=False), nn.BatchNorm2d(b),
                         nn.ReLU6())


class Bottleneck(nn.Module):
    def __init__(self, a, b, expansion, stride):
        super().__init__()
        inner = a * expansion
        self.conv = nn.Sequential(unit(a, inner, 1), unit(inner, inner, 3, stride, inner),
                                  nn.Conv2d(inner, b, 1, bias=False), nn.BatchNorm2d(b))
        self.same = stride == 1 and a == b

    def forward(self, x):
        return x + self.conv(x) if self.same else self.conv(x)


class MobileFaceNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = unit(3, 64, 3, 2)
        self.dw_conv = nn.Module()
        self.dw_conv.depthwise = nn.Conv2d(64, 64, 3, padding=1, groups=64, bias=False)
        self.dw_conv.pointwise = nn.Conv2d(64, 64, 1, bias=False)
        self.dw_conv.bn1, self.dw_conv.bn2 = nn.BatchNorm2d(64), nn.BatchNorm2d(64)
        a, blocks = 64, []
        for expansion, b, count, stride in ((2, 64, 5, 2), (4, 128, 1, 2), (2, 128, 6, 1), (4, 128, 1, 2), (2, 128, 2, 1)):
            for i in range(count):
                blocks.append(Bottleneck(a, b, expansion, stride if i == 0 else 1))
                a = b
        self.features = nn.Sequential(*blocks)
        self.conv2 = unit(128, 512, 1)
        self.gdconv = nn.Module()
        self.gdconv.depthwise = nn.Conv2d(512, 512, 7, groups=512, bias=False)
        self.gdconv.bn = nn.BatchNorm2d(512)
        self.conv3 = nn.Conv2d(512, 128, 1)
        self.bn = nn.BatchNorm2d(128)

    def forward(self, x):
        x, dw = self.conv1(x), self.dw_conv
        x = F.relu(dw.bn2(dw.pointwise(F.relu(dw.bn1(dw.depthwise(x))))))
        x = self.conv2(self.features(x))
        return self.bn(self.conv3(self.gdconv.bn(self.gdconv.depthwise(x)))).flatten(1)


face = MobileFaceNet().eval()
note("mobilefacenet", face.state_dict())
fill(face.state_dict())
with torch.no_grad():
    for size, images in PICTURES.items():
        found[f"mobilefacenet/{size}"] = face(normalized(resized(images / 255, 112)))

save_file({key: sampled(value) for key, value in found.items()}, OUT / "features.safetensors")
(OUT / "features.safetensors").chmod(0o644)
(OUT / "features.json").write_text(json.dumps(keys, indent=1) + "\n")
