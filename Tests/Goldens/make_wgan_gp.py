"""Creates the goldens of the gradient penalty with PyTorch: alone, and in a step of a residual critic at 64 x 64.

Runs in any folder (requires torch and safetensors):
    python Tests/Goldens/make_wgan_gp.py
"""
import copy
from pathlib import Path

import torch
from safetensors.torch import save_file

import residual

OUT = Path(__file__).parent / "Objectives"
SEED = 7
RESOLUTION, FILTERS, BATCH = 64, 4, 16


def penalty(critic, real, fake, share, weight=10.0, target=1.0, above=False):
    """The usual implementation."""
    mixed = (share * real + (1 - share) * fake).requires_grad_()
    slope, = torch.autograd.grad(critic(mixed).sum(), mixed, create_graph=True)
    excess = slope.flatten(1).norm(dim=1) - target
    return weight * (excess.clamp(min=0) if above else excess).square().mean()


def alone():
    """Value and gradients for a small critic and several settings."""
    torch.manual_seed(SEED)
    real, fake, share = torch.randn(6, 2, 3, 2), torch.randn(6, 2, 3, 2), torch.rand(6, 1, 1, 1)
    first, second = torch.randn(5, 12) * 0.4, torch.randn(1, 5)
    found = {"real": real, "fake": fake, "share": share, "first": first, "second": second}
    weights = [first.clone().requires_grad_(), second.clone().requires_grad_()]

    def critic(x):
        return (torch.tanh(x.flatten(1) @ weights[0].T) @ weights[1].T).squeeze(1)

    for name, options in {
            "both": {}, "above": {"above": True}, "zero": {"target": 0.0, "weight": 0.5},
            "aboveTwo": {"above": True, "target": 0.7, "weight": 3.0}}.items():
        value = penalty(critic, real, fake, share, **options)
        found[name] = value.detach()
        for key, gradient in zip(("first", "second"), torch.autograd.grad(value, weights)):
            found[f"{name}.{key}"] = gradient
    return found


def gradients(critic, coarse, noise, share, kind=torch.float32):
    """Terms and gradients of the critic's loss in one precision."""
    critic = copy.deepcopy(critic).to(kind)

    def blocks(x):
        return torch.nn.functional.interpolate(x.to(kind), RESOLUTION)

    real, fake = blocks(coarse) / 127.5 - 1, blocks(noise)
    on_real, on_fake = critic(real), critic(fake)
    held = penalty(critic, real, fake, share.to(kind))
    # A large weight: it is the only gradient after the last ReLU that real and generated pictures do not cancel.
    loss = on_fake.mean() - on_real.mean() + held + 0.5 * on_real.square().mean()
    return torch.autograd.grad(loss, list(critic.parameters())), torch.cat([on_real, on_fake]), loss, held


def step(normal, seed=SEED):
    """One step of the critic. Real pictures are blocks of color, generated pictures blocks of noise.

    The seed is one for which PyTorch's single and double precision agree. With others, the gradients of real and generated
    pictures cancel except for rounding.
    """
    while True:
        torch.manual_seed(seed)
        critic = residual.Critic(FILTERS, RESOLUTION, normal)
        for parameter in critic.parameters():
            # Shifts and scales as after some training. Errors in half of them would not be detected at their initial values.
            if parameter.dim() == 1:
                torch.nn.init.normal_(parameter, 1.0 if normal else 0.0, 0.3)
        coarse = torch.randint(0, 256, (BATCH, 3, 4, 4), dtype=torch.uint8)
        noise = torch.rand(BATCH, 3, 8, 8) * 2 - 1
        # Random stream of a run with this seed; see AdversarialTrainer.
        torch.manual_seed(seed + 2)
        share = torch.rand(BATCH, 1, 1, 1)
        found, logits, loss, held = gradients(critic, coarse, noise, share)
        exact = gradients(critic, coarse, noise, share, torch.float64)[0]
        if all((a - b).abs().max() < 3e-5 * b.abs().max() for a, b in zip(found, exact)):
            break
        seed += 1
    result = {f"start.{key}": value.clone() for key, value in critic.state_dict().items()}
    result |= {"coarse": coarse, "noise": noise, "share": share, "seed": torch.tensor(seed)}
    result |= {"logits": logits, "loss": loss, "penalty": held}
    optimizer = torch.optim.Adam(critic.parameters(), lr=1e-4, betas=(0.0, 0.9))
    for (key, parameter), gradient in zip(critic.named_parameters(), found):
        result[f"gradient.{key}"] = parameter.grad = gradient
    optimizer.step()
    return result | {f"end.{key}": value.clone() for key, value in critic.state_dict().items()}


def save(found, name):
    save_file({key: value.detach().contiguous() for key, value in found.items()}, OUT / f"{name}.safetensors")


OUT.mkdir(exist_ok=True)
save(alone(), "penalty")
save(step(False), "wgan-gp")
save(step(True), "wgan-gp-layer")
