#!/usr/bin/python3
"""Times PyTorch's forward pass and backward pass to the image: one pass and one printed line of ms per line read.

    bench/gradients/torch_speed.py NAME BATCH THREADS        # spoken to by bench/gradients/speed.mjs

Weights take no gradient, as none is asked for. Needs Debian's python3-torch and python3-torchvision.
"""
import pathlib
import sys
import time

import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "models"))

from export_torchvision import SIDE, random_model  # noqa: E402


def main(name, batch, threads):
    torch.set_num_threads(int(threads))
    model = random_model(name, SIDE).requires_grad_(False)
    x = torch.randn(int(batch), 3, SIDE, SIDE, requires_grad=True)
    print("ready", flush=True)
    for _ in sys.stdin:
        start = time.perf_counter()
        torch.autograd.grad(model(x).max(1).values.sum(), x)
        print(1000 * (time.perf_counter() - start), flush=True)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
