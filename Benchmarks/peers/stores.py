"""Reader of packed stores and models of FaceGAN, which are safetensors files, with numpy only."""

import json

import numpy as np

_TYPES = {"U8": np.uint8, "I8": np.int8, "I32": np.int32, "I64": np.int64, "F32": np.float32}


def tensors(path):
    """Tensors of a file as memory-mapped arrays, by name."""
    with open(path, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))
    header.pop("__metadata__", None)
    return {
        name: np.memmap(path, _TYPES[entry["dtype"]], "r", 8 + length + entry["data_offsets"][0], tuple(entry["shape"]))
        for name, entry in header.items()
        if entry["dtype"] in _TYPES and np.prod(entry["shape"]) > 0
    }


def pictures(path):
    """Pictures of a packed store: [N, H, W, 3], uint8."""
    return tensors(path)["images"]
