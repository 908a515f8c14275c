"""Creates checkpoints of one small DCGAN in the spellings of PyTorch programs, for the tests of the import.

    python Tests/Goldens/make_import.py        requires torch and safetensors

Every file holds the same generator, so that all of them draw the pictures in `expected.safetensors`. Exceptions are named
`other-*`, which must be refused.
"""
import collections
import os

import torch
from safetensors.torch import save_file
from torch import nn

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "Import")
LATENT, FILTERS = 5, 4


def generator(bias=False, colors=3, kernel=4):
    """DCGAN generator for 16 x 16 pictures."""
    net = nn.Sequential(
        nn.ConvTranspose2d(LATENT, 2 * FILTERS, 4, 1, 0, bias=bias), nn.BatchNorm2d(2 * FILTERS), nn.ReLU(),
        nn.ConvTranspose2d(2 * FILTERS, FILTERS, kernel, 2, 1, bias=bias), nn.BatchNorm2d(FILTERS), nn.ReLU(),
        nn.ConvTranspose2d(FILTERS, colors, kernel, 2, 1, bias=False), nn.Tanh())
    prepare(net)
    return net.eval()


def discriminator():
    """DCGAN discriminator for 16 x 16 pictures, with other widths than the generator."""
    net = nn.Sequential(
        nn.Conv2d(3, 3, 4, 2, 1, bias=False), nn.LeakyReLU(0.2),
        nn.Conv2d(3, 6, 4, 2, 1, bias=False), nn.BatchNorm2d(6), nn.LeakyReLU(0.2),
        nn.Conv2d(6, 1, 4, 1, 0, bias=False))
    prepare(net)
    return net.eval()


def prepare(net):
    for module in net.modules():
        if isinstance(module, (nn.ConvTranspose2d, nn.Conv2d)):
            nn.init.normal_(module.weight, 0, 0.2)
            if module.bias is not None:
                nn.init.normal_(module.bias, 0, 0.5)
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight, 1, 0.1)
            nn.init.normal_(module.bias, 0, 0.1)
            module.running_mean.normal_(0, 0.3)
            module.running_var.uniform_(0.5, 1.5)
            module.num_batches_tracked.fill_(20)


def renamed(state, name):
    """The state with other keys; `name` gets the layer's index and the rest of the key."""
    return collections.OrderedDict((name(*key.split(".", 1)), value) for key, value in state.items())


def prefixed(state, prefix):
    return collections.OrderedDict((prefix + key, value) for key, value in state.items())


def without_counts(state):
    return collections.OrderedDict((k, v) for k, v in state.items() if "num_batches" not in k)


def main():
    os.makedirs(HERE, exist_ok=True)
    torch.manual_seed(11)
    g, d = generator(), discriminator()
    latents = torch.randn(3, LATENT)
    pictures = lambda net: net(latents[:, :, None, None]).detach()
    # An optimizer whose state has the shapes of the weights.
    optimizer = torch.optim.Adam(g.parameters())
    g(torch.randn(2, LATENT, 1, 1)).sum().backward()
    optimizer.step()
    bare = g.state_dict()
    plain, critic = prefixed(bare, "main."), prefixed(d.state_dict(), "main.")
    save_file({"latents": latents, "pictures": pictures(g)}, f"{HERE}/expected.safetensors")
    raw = collections.OrderedDict((k, v + 0.01 if v.is_floating_point() else v) for k, v in plain.items())

    named = {"0": "tconv1", "1": "bn1", "3": "tconv2", "4": "bn2", "6": "tconv3"}
    blocks = {"0": "first.conv", "1": "first.norm", "3": "blocks.0.conv", "4": "blocks.0.norm", "6": "to_rgb"}
    grouped = sorted(renamed(bare, lambda i, rest: f"{named[i]}.{rest}").items(), key=lambda item: "bn" in item[0])
    files = {
        # Wrappers
        "generator": {"epoch": 5, "generator": plain, "discriminator": critic,
                      "optimizerG": optimizer.state_dict(), "params": {"nz": LATENT, "lr": 2e-4}},
        "netG": {"netG": plain, "netD": critic, "iters": 100},
        "netG_state_dict": {"netG_state_dict": plain, "optG_state_dict": optimizer.state_dict(), "loss": 0.5},
        "model_state_dict": {"model_state_dict": plain, "optimizer_state_dict": optimizer.state_dict()},
        "lightning": {"state_dict": collections.OrderedDict([*prefixed(plain, "generator.").items(),
                                                             *prefixed(critic, "discriminator.").items()]),
                      "hyper_parameters": {"lr": 1e-4}, "callbacks": {}, "epoch": 1},
        "nested": {"models": {"G": {"state_dict": prefixed(plain, "module.")}, "D": {"state_dict": critic}}},
        "ema": {"g": raw, "d": critic, "g_ema": plain, "g_optim": optimizer.state_dict()},
        "list": {"models": [plain, critic]},
        # A scheduler with a Counter, a set, and tensors that are not part of a network.
        "counters": {"netG": {**plain, "fixed_noise": torch.zeros(4, LATENT)}, "tags": {"a"},
                     "scheduler": {"milestones": collections.Counter([3, 5])}},
        "swa": {"n_averaged": torch.tensor(7), **prefixed(plain, "module.")},
        "g_running": {"g_running": plain, "generator": raw, "discriminator": critic},
        # Prefixes
        "module-module": prefixed(plain, "module.module."),
        "orig-mod": prefixed(plain, "_orig_mod."),
        "module-orig-mod": {"G": prefixed(plain, "module._orig_mod.")},
        "prefix-generator": prefixed(plain, "generator."),
        # Layers under other names
        "sequential": bare,
        "net-0": prefixed(bare, "net."),
        "named": renamed(bare, lambda i, rest: f"{named[i]}.{rest}"),
        "grouped": collections.OrderedDict(grouped),
        "blocks": renamed(bare, lambda i, rest: f"{blocks[i]}.{rest}"),
        "underscores": renamed(without_counts(bare), lambda i, rest: f"l{i}_{rest}"),
        # Tensors
        "no-counts": without_counts(plain),
        # In alphabetical order, layer 10 precedes layer 2.
        "alphabetical": collections.OrderedDict(sorted(renamed(bare, lambda i, rest: f"l.{int(i) + 7}.{rest}").items())),
        "double": collections.OrderedDict((k, v.double()) for k, v in plain.items()),
        "parameters": collections.OrderedDict(
            (k, nn.Parameter(v, requires_grad=False) if v.is_floating_point() else v) for k, v in plain.items()),
        # Refused
        "other-two": {"G_A": plain, "G_B": raw},
        "other-optimizer": {"optimizer": optimizer.state_dict(), "epoch": 3},
        "other-discriminator": prefixed(critic, "module."),
        "other-gray": prefixed(generator(colors=1).state_dict(), "main."),
        "other-classifier": nn.Sequential(
            nn.Conv2d(3, 8, 7), nn.BatchNorm2d(8), nn.Conv2d(8, 8, 3), nn.Linear(8, 10)).state_dict(),
    }
    for name, content in files.items():
        torch.save(content, f"{HERE}/{name}.pth")
    torch.save(files["netG"], f"{HERE}/legacy.pth", _use_new_zipfile_serialization=False)
    # The keys of a safetensors file are not in the order of the layers.
    save_file({k: v.clone() for k, v in reversed(renamed(bare, lambda i, rest: f"layers.{int(i) + 7}.{rest}").items())},
              f"{HERE}/layers.safetensors")

    # Biases before batch normalization, which has the same effect as another mean.
    biased = generator(bias=True)
    torch.save(biased.state_dict(), f"{HERE}/biases.pth")
    save_file({"latents": latents, "pictures": pictures(biased)}, f"{HERE}/expected-biases.safetensors")


if __name__ == "__main__":
    main()
