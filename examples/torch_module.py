"""A torch module that goes on training, and a bundle that takes its state dict after each epoch.

The module is a small image classifier with BatchNorm, whose head is tied to a table of
classes. The bundle is built from it once, before it has learnt anything. After each
epoch ``bundle.update(module.state_dict())`` is all it takes: the names are the module's
own, the statistics of BatchNorm are folded into the convolution on the way, tied names
count once, and ``num_batches_tracked`` is passed over. Each answer is compared with torch's.

Runs on the fake AscendCL, and needs the extras fake and torch: python examples/torch_module.py
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

import acl_bundle as ab
from acl_bundle import build, fake

CLASSES, EPOCHS = 4, 4


class Classifier(nn.Module):
    """Scores of an image for each class."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16)
        self.classes = nn.Embedding(CLASSES, 16)
        self.head = nn.Linear(16, CLASSES)
        self.head.weight = self.classes.weight

    def forward(self, image: Any) -> Any:
        seen = torch.relu(self.norm(self.conv(image))).mean((2, 3))
        return self.head(seen)


def stripes(count: int) -> tuple[Any, Any]:
    """Images of horizontal, vertical and two sorts of diagonal stripes, and their classes."""
    label = torch.randint(CLASSES, (count,))
    row, column = torch.meshgrid(torch.arange(8), torch.arange(8), indexing="ij")
    waves = torch.stack([row, column, row + column, row - column])[label]
    image = torch.sin(waves * 2.1 + torch.rand(count, 1, 1) * 6)
    return (image + 0.8 * torch.randn(count, 8, 8)).unsqueeze(1), label


def epoch(module: nn.Module, optimiser: Any) -> None:
    """Learn from ten batches."""
    module.train()
    for _ in range(10):
        image, label = stripes(32)
        optimiser.zero_grad()
        nn.functional.cross_entropy(module(image), label).backward()
        optimiser.step()


def main() -> None:
    """Build once, then train and update in turns."""
    torch.manual_seed(0)
    module = Classifier()
    image, label = stripes(32)
    made = build.from_torch(module, image)
    print(f"{len(made.weights)} weights, of {len(module.state_dict())} names in the state dict")
    print(made.program.pieces)

    optimiser = torch.optim.Adam(module.parameters(), 0.01)
    with ab.Bundle.load(made.to_bytes()) as bundle:
        bundle.init()
        for number in range(1, EPOCHS + 1):
            epoch(module, optimiser)
            report = bundle.update(module.state_dict(), version=number)
            scores = bundle.infer(image)
            with torch.no_grad():
                wanted = module.eval()(image).numpy()
            error = np.abs(scores - wanted).max() / np.abs(wanted).max()
            right = (scores.argmax(1) == label.numpy()).mean()
            assert error < 1e-5
            print(
                f"epoch {number}: {right:4.0%} right, error {error:.0e} beside torch,"
                f" {report.nbytes} bytes in {1e3 * sum(report.seconds.values()):.1f} ms"
            )
        print(f"passed over: {', '.join(report.ignored)}")


if __name__ == "__main__":
    fake.activate()
    main()
    print(f"unloaded; live objects: {fake.live()}, violations: {fake.violations()}")
