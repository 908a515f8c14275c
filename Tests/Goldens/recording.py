"""Parts of the scripts that create goldens of networks."""
from pathlib import Path

import torch
from safetensors.torch import save_file

OUT = Path(__file__).parent


def record_gradients(found, name, networks, random):
    """Records the output of each network, a random seed, its parameters and their gradients.

    `networks` has the name, the parameters by key, and the output of each network.
    """
    for network, p, output in networks:
        seed = torch.randn(output.shape, generator=random)
        gradients = torch.autograd.grad(output, list(p.values()), seed)
        found.update({f"{name}.{network}.output": output, f"{name}.{network}.seed": seed})
        for (key, tensor), gradient in zip(p.items(), gradients):
            found[f"{name}.{network}.start.{key}"] = tensor
            found[f"{name}.{network}.gradient.{key}"] = gradient


def write(goldens):
    """Writes the goldens: for each file name without its ending, a function that adds tensors to a dictionary."""
    torch.set_num_threads(1)
    for name, make in goldens:
        found = {}
        make(found)
        tensors = {key: tensor.detach().contiguous().clone() for key, tensor in found.items()}
        save_file(tensors, OUT / f"{name}.safetensors")
