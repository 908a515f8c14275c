"""Creates Tests/Goldens/Import/stylegan2-*: the weights of make_stylegan2.py as files of NVlabs' and rosinality's programs.

Runs in any folder (requires torch and numpy); make_stylegan2.py runs first:
    python Tests/Goldens/make_stylegan2_files.py

The classes here have the structure of those programs and none of their code. Python's pickle writes the same instructions for
them.
"""
import collections
import io
import pickle
import sys
import types
from pathlib import Path

import numpy
import torch
from safetensors.torch import load_file, save_file

import stylegan2

OUT = Path(__file__).parent
SIZES = stylegan2.Sizes(16, 128, 12, w=10, z=6, layers=2)
# Three classes. The discriminator maps them to 7 values in 3 layers.
CLASSES = stylegan2.Sizes(16, 128, 12, w=10, z=6, layers=2, labels=3)
CLASSES_OF_D = stylegan2.Sizes(16, 128, 12, w=7, z=6, layers=3, labels=3)


def module(name):
    found = types.ModuleType(name)
    sys.modules[name] = found
    if "." in name:
        setattr(module(name.rsplit(".", 1)[0]), name.rsplit(".", 1)[1], found)
    return found


persistence, util = module("torch_utils.persistence"), module("dnnlib.util")


class EasyDict(dict):
    pass


def _reconstruct_persistent_obj(meta):
    raise NotImplementedError


for owner, thing in ((persistence, _reconstruct_persistent_obj), (util, EasyDict)):
    thing.__module__, thing.__qualname__ = owner.__name__, thing.__name__
    setattr(owner, thing.__name__, thing)


class Persistent:
    def __init__(self, name, state):
        self.name, self.state = name, state

    def __reduce__(self):
        meta = dict(type="class", version=6, module_src="raise SystemExit('never run')", class_name=self.name,
                    state=self.state)
        return _reconstruct_persistent_obj, (meta,)


class OldTensor:
    """A tensor whose storage is pickled to bytes in the format before PyTorch 1.6, as by copy.deepcopy and pickle.dumps."""

    def __init__(self, tensor, parameter):
        self.tensor, self.parameter = tensor, parameter

    def __reduce__(self):
        storage = OldStorage(self.tensor)
        args = (storage, 0, tuple(self.tensor.shape), self.tensor.stride(), False, collections.OrderedDict())
        if not self.parameter:
            return torch._utils._rebuild_tensor_v2, args
        inner = Reduced(torch._utils._rebuild_tensor_v2, args)
        return torch._utils._rebuild_parameter, (inner, True, collections.OrderedDict())


class Reduced:
    def __init__(self, function, args):
        self.function, self.args = function, args

    def __reduce__(self):
        return self.function, self.args


class OldStorage:
    def __init__(self, tensor):
        self.tensor = tensor

    def __reduce__(self):
        data = io.BytesIO()
        torch.save(self.tensor.storage(), data, _use_new_zipfile_serialization=False)
        return torch.storage._load_from_bytes, (data.getvalue(),)


def network(name, tensors, fields):
    """Nested objects with the tensors of dotted names."""
    parts = collections.OrderedDict()
    state = dict(training=False, _parameters=collections.OrderedDict(), _buffers=collections.OrderedDict(),
                 _non_persistent_buffers_set=set(), _backward_hooks=collections.OrderedDict(), **fields)
    for key, tensor in tensors.items():
        head, _, rest = key.partition(".")
        if rest:
            parts.setdefault(head, {})[rest] = tensor
            continue
        is_buffer = head in ("w_avg", "noise_const", "resample_filter")
        if tensor.dim() == 4 and tensor.shape[2] == 3:
            tensor = tensor.contiguous(memory_format=torch.channels_last)
        state["_buffers" if is_buffer else "_parameters"][head] = OldTensor(tensor.detach(), not is_buffer)
    state["_modules"] = collections.OrderedDict((k, network("Layer", v, {})) for k, v in parts.items())
    return Persistent(name, state)


def official(sizes=SIZES, d_sizes=SIZES):
    g, d, noise = stylegan2.parameters(sizes, torch.Generator().manual_seed(200))
    if d_sizes is not sizes:
        d = stylegan2.parameters(d_sizes, torch.Generator().manual_seed(201))[1]
    g = dict(g) | noise | {"mapping.w_avg": torch.randn(sizes.w, generator=torch.Generator().manual_seed(1))}
    for key in [k for k in g if k.endswith("noise_strength")]:
        g[key.replace("noise_strength", "resample_filter")] = stylegan2.FILTER
    d["b16.resample_filter"] = stylegan2.FILTER
    return g, d


def rosinality(g, d):
    def one(tensor, *shape):
        return tensor.reshape(*shape)

    out, names = {}, {}
    sides = stylegan2.sides(SIZES.resolution)
    for i in range(SIZES.layers):
        for leaf in ("weight", "bias"):
            out[f"style.{i + 1}.{leaf}"] = g[f"mapping.fc{i}.{leaf}"]
    out["input.input"] = g["synthesis.b4.const"][None]
    for n, side in enumerate(sides):
        for c, name in enumerate(["conv1"] if side == 4 else ["conv0", "conv1"]):
            old = f"synthesis.b{side}.{name}"
            new = "conv1" if side == 4 else f"convs.{2 * (n - 1) + c}"
            out[new + ".conv.weight"] = g[old + ".weight"][None]
            out[new + ".conv.modulation.weight"] = g[old + ".affine.weight"]
            out[new + ".conv.modulation.bias"] = g[old + ".affine.bias"]
            out[new + ".noise.weight"] = g[old + ".noise_strength"].reshape(1)
            out[new + ".activate.bias"] = g[old + ".bias"]
            if name == "conv0":
                out[new + ".conv.blur.kernel"] = stylegan2.FILTER * 4
            out[f"noises.noise_{0 if side == 4 else 2 * n - 1 + c}"] = g[old + ".noise_const"][None, None]
        old, new = f"synthesis.b{side}.torgb", "to_rgb1" if side == 4 else f"to_rgbs.{n - 1}"
        out[new + ".conv.weight"] = g[old + ".weight"][None]
        out[new + ".conv.modulation.weight"] = g[old + ".affine.weight"]
        out[new + ".conv.modulation.bias"] = g[old + ".affine.bias"]
        out[new + ".bias"] = g[old + ".bias"].reshape(1, 3, 1, 1)
    dd = {"convs.0.0.weight": d["b16.fromrgb.weight"], "convs.0.1.bias": d["b16.fromrgb.bias"]}
    for k, side in enumerate(sides[:0:-1], 1):
        b = f"b{side}."
        dd |= {f"convs.{k}.conv1.0.weight": d[b + "conv0.weight"], f"convs.{k}.conv1.1.bias": d[b + "conv0.bias"],
               f"convs.{k}.conv2.0.kernel": stylegan2.FILTER,
               f"convs.{k}.conv2.1.weight": d[b + "conv1.weight"], f"convs.{k}.conv2.2.bias": d[b + "conv1.bias"],
               f"convs.{k}.skip.0.kernel": stylegan2.FILTER, f"convs.{k}.skip.1.weight": d[b + "skip.weight"]}
    for new, old in (("final_conv.0.weight", "b4.conv.weight"), ("final_conv.1.bias", "b4.conv.bias"),
                     ("final_linear.0.weight", "b4.fc.weight"), ("final_linear.0.bias", "b4.fc.bias"),
                     ("final_linear.1.weight", "b4.out.weight"), ("final_linear.1.bias", "b4.out.bias")):
        dd[new] = d[old]
    return out, dd


def conditional():
    """Networks with classes: a pickle, and the outputs for latents and classes."""
    g, d = official(CLASSES, CLASSES_OF_D)
    init = EasyDict(z_dim=6, c_dim=3, w_dim=10, img_resolution=16, img_channels=3)
    fields = dict(z_dim=6, c_dim=3, w_dim=10, img_resolution=16, img_channels=3, num_ws=6, _init_args=(), _init_kwargs=init)
    data = dict(G=network("Generator", g, fields), D=network("Discriminator", d, dict(fields)),
                G_ema=network("Generator", g, fields), augment_pipe=None)
    (OUT / "Import/stylegan2-conditional.pkl").write_bytes(pickle.dumps(data, protocol=4))
    z = torch.randn(4, 6, generator=torch.Generator().manual_seed(4))
    labels = torch.eye(3)[[0, 2, 1, 2]]
    w = stylegan2.mapping(g, "mapping.", CLASSES, z, labels)
    noise = lambda side, name: g[name + ".noise_const"][None, None]
    images = stylegan2.synthesis(g, CLASSES, w[:, None].repeat(1, 6, 1), noise)
    pictures = torch.randn(4, 3, 16, 16, generator=torch.Generator().manual_seed(5))
    save_file({"latents": z, "labels": labels, "pictures": images.contiguous(), "input": pictures,
               "logits": stylegan2.discriminator(d, CLASSES_OF_D, pictures, labels)},
              OUT / "Import/expected-stylegan2-conditional.safetensors")


def optimizer(state, rate):
    """State of Adam after a step, as rosinality's program saves it."""
    parameters = [torch.nn.Parameter(v.clone()) for k, v in state.items() if not k.endswith("kernel") and "noises" not in k]
    adam = torch.optim.Adam(parameters, lr=rate, betas=(0.0, 0.99))
    for parameter in parameters:
        parameter.grad = torch.ones_like(parameter)
    adam.step()
    return adam.state_dict()


if __name__ == "__main__":
    torch.set_num_threads(1)
    conditional()
    g, d = official()
    init = EasyDict(z_dim=6, c_dim=0, w_dim=10, img_resolution=16, img_channels=3,
                    mapping_kwargs=EasyDict(num_layers=2),
                    synthesis_kwargs=EasyDict(channel_base=128, channel_max=12, num_fp16_res=0, conv_clamp=None))
    fields = dict(z_dim=6, c_dim=0, w_dim=10, img_resolution=16, img_channels=3, num_ws=6, _init_args=(), _init_kwargs=init)
    for protocol in (3, 4):
        data = dict(G=network("Generator", g, fields), D=network("Discriminator", d, dict(fields)),
                    G_ema=network("Generator", g, fields), augment_pipe=None,
                    training_set_kwargs=EasyDict(class_name="training.dataset.ImageFolderDataset", resolution=16,
                                                 max_size=numpy.int64(8)))
        (OUT / f"Import/stylegan2-protocol{protocol}.pkl").write_bytes(pickle.dumps(data, protocol=protocol))
    official_names = {k: v for k, v in g.items()}
    save_file({k: v.contiguous().clone() for k, v in official_names.items()}, OUT / "Import/stylegan2-official.safetensors")
    rg, rd = rosinality(g, d)
    torch.save({"g": rg, "d": rd, "g_ema": rg, "g_optim": optimizer(rg, 0.002), "d_optim": optimizer(rd, 0.002),
                "latent_avg": g["mapping.w_avg"]}, OUT / "Import/stylegan2-rosinality.pt")
    z = torch.randn(4, 6, generator=torch.Generator().manual_seed(2))
    w = stylegan2.mapping(g, "mapping.", SIZES, z, None)
    noise = lambda side, name: g[name + ".noise_const"][None, None]
    images = stylegan2.synthesis(g, SIZES, w[:, None].repeat(1, 6, 1), noise)
    pictures = torch.randn(4, 3, 16, 16, generator=torch.Generator().manual_seed(3))
    save_file({"latents": z, "pictures": images.contiguous(), "w_avg": g["mapping.w_avg"], "input": pictures,
               "logits": stylegan2.discriminator(d, SIZES, pictures)}, OUT / "Import/expected-stylegan2.safetensors")
