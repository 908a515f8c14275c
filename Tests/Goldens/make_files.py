"""Creates the goldens of the module Files with the programs that usually write such files.

Requires torch, numpy and safetensors. Runs in any folder: python Tests/Goldens/make_files.py
"""
import gzip
import io
import json
import os
import pickle
import tarfile
import types
import warnings
import zipfile
from collections import OrderedDict
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

OUT = Path(__file__).parent / "Files"
OUT.mkdir(exist_ok=True)
warnings.simplefilter("ignore")

# --- safetensors: every type, unusual names and texts -------------------------------------------------------------

TYPES = {
    "BOOL": torch.bool, "U8": torch.uint8, "I8": torch.int8, "U16": torch.uint16, "I16": torch.int16,
    "U32": torch.uint32, "I32": torch.int32, "U64": torch.uint64, "I64": torch.int64, "F16": torch.float16,
    "BF16": torch.bfloat16, "F32": torch.float32, "F64": torch.float64,
}
tensors = {name: (torch.arange(6) % 2 if name == "BOOL" else torch.arange(6)).to(dtype).reshape(2, 3)
           for name, dtype in TYPES.items()}
tensors["scalar"] = torch.tensor(2.5)
tensors["empty"] = torch.zeros(0, 4)
tensors["\"quotes\", \\ and 脸\n"] = torch.tensor([1, 2, 3], dtype=torch.uint8)
save_file(tensors, OUT / "types.safetensors", metadata={"made by": "safetensors", "text": "a \"b\"\t😀"})
save_file({"x": torch.zeros(2).to(torch.float8_e4m3fn)}, OUT / "float8.safetensors")

# --- archives ---------------------------------------------------------------------------------------------------

def content(name):
    return (name + "\n").encode() * (len(name) % 7 * 8 + 1)


NAMES = ["a.txt", "folder/b.txt", "folder/deeper/c.txt", "empty", "脸.txt"]


def make_zip(path, method, front=b"", **options):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", method) as archive:
        archive.mkdir("folder")
        for name in NAMES:
            info = zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0))
            info.compress_type = method
            with archive.open(info, "w", **options) as entry:
                entry.write(b"" if name == "empty" else content(name))
        archive.comment = b"a comment"
    path.write_bytes(front + data.getvalue())


make_zip(OUT / "stored.zip", zipfile.ZIP_STORED)
make_zip(OUT / "deflated.zip", zipfile.ZIP_DEFLATED)
limits = zipfile.ZIP64_LIMIT, zipfile.ZIP_FILECOUNT_LIMIT
zipfile.ZIP64_LIMIT, zipfile.ZIP_FILECOUNT_LIMIT = 10, 2  # forces 64-bit fields
make_zip(OUT / "zip64.zip", zipfile.ZIP_DEFLATED, force_zip64=True)
zipfile.ZIP64_LIMIT, zipfile.ZIP_FILECOUNT_LIMIT = limits
make_zip(OUT / "prefixed.zip", zipfile.ZIP_DEFLATED, front=b"#!/bin/sh\nexit 0\n")
make_zip(OUT / "bzip2.zip", zipfile.ZIP_BZIP2)


def make_tar(path, form, names, wrap=lambda data: data):
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w", format=form) as archive:
        folder = tarfile.TarInfo("folder")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        for name in names:
            info = tarfile.TarInfo(name)
            bytes_ = b"" if name == "empty" else content(name)
            info.size = len(bytes_)
            archive.addfile(info, io.BytesIO(bytes_))
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "a.txt"
        archive.addfile(link)
    path.write_bytes(wrap(data.getvalue()))


LONG = "/".join(["a rather long name of a folder"] * 9) + "/file.txt"
PREFIX = "/".join(["a rather long name of a folder"] * 4) + "/file.txt"
make_tar(OUT / "ustar.tar", tarfile.USTAR_FORMAT, NAMES + [PREFIX])
make_tar(OUT / "gnu.tar", tarfile.GNU_FORMAT, NAMES + [LONG])
make_tar(OUT / "pax.tar", tarfile.PAX_FORMAT, NAMES + [LONG])
make_tar(OUT / "gnu.tgz", tarfile.GNU_FORMAT, NAMES + [LONG], lambda data: gzip.compress(data, mtime=0))
make_tar(OUT / "members.tar.gz", tarfile.GNU_FORMAT, NAMES + [LONG],
         lambda data: b"".join(gzip.compress(data[i:i + 1000], mtime=0) for i in range(0, len(data), 1000)))
(OUT / "archives.json").write_text(json.dumps(
    {name: ("" if name == "empty" else content(name).decode()) for name in NAMES + [LONG, PREFIX]}, indent=1))

# --- PyTorch ----------------------------------------------------------------------------------------------------

base = torch.arange(24, dtype=torch.float32)
state = OrderedDict()
state["conv.weight"] = torch.nn.Parameter(torch.arange(36, dtype=torch.float32).reshape(2, 2, 3, 3) / 7)
state["conv.bias"] = base[3:5]                             # part of a storage
state["transposed"] = base.reshape(4, 6).t()               # strides
state["strided"] = base.reshape(2, 3, 4)[:, ::2, 1::2]
state["expanded"] = torch.tensor([1.5]).expand(3, 4)       # stride 0
state["channels_last"] = torch.arange(48.).reshape(1, 3, 4, 4).to(memory_format=torch.channels_last)
state["shared"] = base
state["bn.num_batches_tracked"] = torch.tensor(7)
state["empty"] = torch.zeros(0, 3)
for name, dtype in TYPES.items():
    if name not in ("U16", "U32", "U64"):
        state["types." + name] = tensors[name]
state._metadata = OrderedDict({"": {"version": 1}})
wide = OrderedDict(state)
for name in ("U16", "U32", "U64"):
    wide["types." + name] = tensors[name].clone()


def expected(name, values):
    save_file({key: value.detach().contiguous().clone() for key, value in values.items()}, OUT / name)


expected("state.safetensors", state)
expected("wide.safetensors", wide)
torch.save(state, OUT / "state.pth")
torch.save(wide, OUT / "wide.pth")
torch.save(state, OUT / "protocol4.pth", pickle_protocol=4)
torch.save(state, OUT / "legacy.pth", _use_new_zipfile_serialization=False)
torch.save(state, OUT / "legacy4.pth", _use_new_zipfile_serialization=False, pickle_protocol=4)
torch.save(base, OUT / "tensor.pth")

with zipfile.ZipFile(OUT / "state.pth") as source, \
        zipfile.ZipFile(OUT / "repacked.pth", "w", zipfile.ZIP_DEFLATED) as target:
    for item in source.infolist():
        info = zipfile.ZipInfo(item.filename, (2020, 1, 1, 0, 0, 0))
        target.writestr(info, source.read(item), zipfile.ZIP_DEFLATED)
assert torch.load(OUT / "repacked.pth", weights_only=True).keys() == state.keys()

# A checkpoint of a typical training script.
layer = torch.nn.Linear(3, 2)
with torch.no_grad():
    layer.weight.copy_(torch.arange(6.).reshape(2, 3))
    layer.bias.copy_(torch.tensor([1., 2.]))
optimiser = torch.optim.Adam(layer.parameters(), lr=2e-4, betas=(0.5, 0.999))
layer(torch.ones(1, 3)).sum().backward()
optimiser.step()
torch.save({"epoch": 3, "best": -1.5, "name": "run", "done": False, "nothing": None, "big": 2**40, "minus": -5,
            "model": layer.state_dict(), "optimizer": optimiser.state_dict(), "size": torch.Size([2, 3])},
           OUT / "checkpoint.pth")
expected("checkpoint.safetensors", {
    "model.weight": layer.weight, "model.bias": layer.bias,
    **{f"optimizer.state.{i}.{key}": value for i, values in optimiser.state_dict()["state"].items()
       for key, value in values.items()}})


# The old format supports views of a storage, which current PyTorch does not write.
def legacy_views(path):
    class Pickler(pickle.Pickler):
        def persistent_id(self, value):
            return value.id if isinstance(value, Storage) else None

    class Storage:
        def __init__(self, *id_):
            self.id = id_

    class Rebuild:
        def __init__(self, *args):
            self.args = args

        def __reduce__(self):
            return torch._utils._rebuild_tensor, self.args

    whole = Storage("storage", torch.FloatStorage, "77", "cpu", 10, None)
    part = Storage("storage", torch.FloatStorage, "77", "cpu", 10, ("78", 4, 6))
    file = io.BytesIO()
    for value in (0x1950A86A20F9469CFC6C, 1001, {"protocol_version": 1001, "little_endian": True,
                                               "type_sizes": {"short": 2, "int": 4, "long": 4}}):
        pickle.dump(value, file, 2)
    Pickler(file, 2).dump(OrderedDict(whole=Rebuild(whole, 0, (2, 5), (5, 1)), part=Rebuild(part, 1, (2,), (2,))))
    pickle.dump(["77"], file, 2)
    file.write(np.int64(10).tobytes() + np.arange(10, dtype=np.float32).tobytes())
    path.write_bytes(file.getvalue())
    return torch.load(path, weights_only=False)


expected("legacy_views.safetensors", legacy_views(OUT / "legacy_views.pth"))

# --- files that must be refused -----------------------------------------------------------------------------------------


class Evil:
    def __reduce__(self):
        return os.system, ("echo this must never be printed",)


class Words(dict):
    pass


Words.__module__ = "training.words"
module = types.ModuleType("training.words")
module.Words = Words
import sys
sys.modules["training"], sys.modules["training.words"] = types.ModuleType("training"), module
torch.save({"x": torch.ones(1), "evil": Evil()}, OUT / "refused_system.pth")
torch.save({"x": torch.ones(1), "evil": Evil()}, OUT / "refused_system_legacy.pth",
           _use_new_zipfile_serialization=False)
torch.save({"args": Words(a=1)}, OUT / "refused_class.pth")
torch.save(torch.nn.Linear(2, 2), OUT / "refused_module.pth")
torch.save({"loss": np.float64(1.5)}, OUT / "refused_numpy.pth")
torch.save({"c": torch.zeros(2, dtype=torch.complex64)}, OUT / "refused_complex.pth")
script = io.BytesIO()
torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), script)
with zipfile.ZipFile(script) as source, zipfile.ZipFile(OUT / "refused_script.pt", "w") as target:
    for item in source.infolist():
        if not item.filename.endswith(".debug_pkl"):  # contains paths of the machine
            target.writestr(zipfile.ZipInfo(item.filename, (2020, 1, 1, 0, 0, 0)), source.read(item))
(OUT / "refused_pickle.pkl").write_bytes(pickle.dumps({"a": 1}, 2))

with zipfile.ZipFile(OUT / "tensor.pth") as source, zipfile.ZipFile(OUT / "refused_big_endian.pth", "w") as target:
    for item in source.infolist():
        info = zipfile.ZipInfo(item.filename, (2020, 1, 1, 0, 0, 0))
        target.writestr(info, b"big" if item.filename.endswith("byteorder") else source.read(item))


def zip_pickle(path, data):
    """Writes a PyTorch zip file with the given pickle."""
    with zipfile.ZipFile(path, "w") as target:
        for name, value in (("archive/data.pkl", data), ("archive/data/0", b"\0" * 16), ("archive/version", b"3\n")):
            target.writestr(zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0)), value,
                            zipfile.ZIP_DEFLATED if len(value) > 1000 else zipfile.ZIP_STORED)


def tensor(shape, strides, offset=0, count=4):
    """Pickle instructions that push one tensor."""
    def number(value):
        return b"\x8a\x08" + int(value).to_bytes(8, "little", signed=True)

    def tuple_(values):
        return b"(" + b"".join(number(value) for value in values) + b"t"

    return (b"ctorch._utils\n_rebuild_tensor_v2\n((U\x07storagectorch\nFloatStorage\nU\x010U\x03cpu" + number(count)
            + b"tQ" + number(offset) + tuple_(shape) + tuple_(strides) + b"\x89}tR")


def one(data):
    return b"\x80\x02}U\x01x" + data + b"s."


zip_pickle(OUT / "hand_good.pth", one(tensor([2, 2], [2, 1])))
assert torch.load(OUT / "hand_good.pth", weights_only=True)["x"].shape == (2, 2)
zip_pickle(OUT / "refused_beyond.pth", one(tensor([5], [1])))
zip_pickle(OUT / "refused_offset.pth", one(tensor([2], [1], offset=3)))
zip_pickle(OUT / "refused_negative.pth", one(tensor([2], [-1], offset=1)))
zip_pickle(OUT / "refused_overflow.pth", one(tensor([2**62, 2**62], [2**62, 1])))
zip_pickle(OUT / "refused_expanded.pth", one(tensor([2**40], [0])))
zip_pickle(OUT / "refused_count.pth", one(tensor([4], [1], count=2**61)))
zip_pickle(OUT / "refused_deep.pth", b"\x80\x02" + b"]" * 100_000 + b"a" * 99_999 + b".")
zip_pickle(OUT / "refused_cycle.pth", b"\x80\x02]q\x00h\x00a.")
zip_pickle(OUT / "refused_laughs.pth", b"\x80\x02]q\x000" + b"".join(
    b"](h%ch%ceq%c0" % (i, i, i + 1) for i in range(60)) + b"h<.")
zip_pickle(OUT / "refused_tuples.pth", b"\x80\x02N" + b"\x85" * 100_000 + b".")
zip_pickle(OUT / "refused_twice.pth", b"\x80\x02}(U\x03a.b" + b"K\x01U\x01a}U\x01bK\x02su.")
zip_pickle(OUT / "refused_stack.pth", b"\x80\x02(a.")

for path in OUT.iterdir():
    path.chmod(0o644)
