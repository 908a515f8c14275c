"""Creates the goldens of the command line: state dictionaries of small DCGAN generators, and their faces.

    python Tests/Goldens/make_command.py        requires torch, numpy and pillow
"""

import os

import torch
from PIL import Image
from torch import nn

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "Command")


def generator(latent=10, filters=8):
    """PyTorch's DCGAN generator, for 16 x 16 pictures."""
    class Generator(nn.Module):
        def __init__(self):
            super().__init__()
            self.main = nn.Sequential(
                nn.ConvTranspose2d(latent, filters * 2, 4, 1, 0, bias=False), nn.BatchNorm2d(filters * 2), nn.ReLU(),
                nn.ConvTranspose2d(filters * 2, filters, 4, 2, 1, bias=False), nn.BatchNorm2d(filters), nn.ReLU(),
                nn.ConvTranspose2d(filters, 3, 4, 2, 1, bias=False), nn.Tanh())

        def forward(self, z):
            return self.main(z)

    net = Generator()
    for module in net.modules():
        if isinstance(module, nn.ConvTranspose2d):
            nn.init.normal_(module.weight, 0, 0.2)
    return net


def main():
    os.makedirs(HERE, exist_ok=True)
    torch.manual_seed(3)
    net = generator()
    # A few batches in training mode change the running statistics.
    for _ in range(20):
        net(torch.randn(32, 10, 1, 1))
    net.eval()
    state = net.state_dict()
    torch.save(state, f"{HERE}/netG.pth")

    # Keys of DataParallel.
    torch.save({f"module.{key}": value for key, value in state.items()}, f"{HERE}/netG-parallel.pth")

    # A missing key, an unexpected key and a key of another shape.
    wrong = dict(state)
    del wrong["main.1.running_mean"]
    wrong["main.9.weight"] = torch.zeros(2)
    wrong["main.6.weight"] = torch.zeros(8, 1, 4, 4)
    torch.save(wrong, f"{HERE}/netG-wrong.pth")

    # Faces of four seeds in a row.
    faces = []
    for seed in [0, 1, 2, 100]:
        z = torch.randn(1, 10, generator=torch.Generator().manual_seed(seed))
        with torch.no_grad():
            pixels = ((net(z[:, :, None, None])[0] + 1) * 127.5).round().to(torch.uint8)
        faces.append(pixels.permute(1, 2, 0))
    Image.fromarray(torch.cat(faces, 1).numpy()).save(f"{HERE}/faces.png")


if __name__ == "__main__":
    main()
