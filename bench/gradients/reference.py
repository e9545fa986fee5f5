#!/usr/bin/python3
"""Gradients of an ONNX classifier's argmax logits in float64 by PyTorch's autograd, on the same graph.

    bench/gradients/reference.py MODEL.onnx FOLDER LOGITS LAYER N,C,H,W

Writes into FOLDER: x.f32 (random images, unless it is there), logits.f64, and input.f64 and layer.f64. Both hold the
gradient at x, and then how far it moves when x moves by noise of 1e-6 and back: where it does, an activation stands at a
kink and float32 may fall on either side. Prints the classes. The graph is run by shared/reference/onnx_torch.py (beside
the repository, or in SESS_SHARED). Needs Debian's python3-torch and python3-onnx.
"""
import json
import os
import pathlib
import sys

import numpy
import torch

SHARED = pathlib.Path(os.environ.get("SESS_SHARED", pathlib.Path(__file__).resolve().parents[3] / "shared"))
NOISE = 1e-6
"""A gradient that moves under noise by more than this share of its largest entry stands at a kink."""
STILL = 1e-5
CANDIDATES = 6


def write_floats(path, tensor):
    path.parent.mkdir(parents=True, exist_ok=True)
    tensor.detach().contiguous().numpy().tofile(path)


def read_floats(path, shape):
    """Leading images of the file: `shape[0]` of them."""
    return torch.from_numpy(numpy.fromfile(path, numpy.float32)).reshape(-1, *shape[1:])[:shape[0]].double()


def random_normal(shape, seed):
    """Values that float32 holds, as preprocessing would give them."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)).double()


def class_gradients(run, x):
    """`run(x)` gives logits (N, K) and tensors; their gradients of each image's argmax logit at x, stacked with how far
    they move under noise of either sign. The class is that at x."""
    noise = random_normal(x.shape, 12) * NOISE
    logits, at = _gradients(run, x, None)
    _, above = _gradients(run, x + noise, logits.argmax(1))
    _, below = _gradients(run, x - noise, logits.argmax(1))
    return logits, [torch.stack([a, torch.maximum((a - b).abs(), (a - c).abs())]) for a, b, c in zip(at, above, below)]


def _gradients(run, x, classes):
    logits, tensors = run(x.clone().requires_grad_())
    classes = logits.argmax(1) if classes is None else classes
    return logits.detach(), torch.autograd.grad(logits.gather(1, classes[:, None]).sum(), tensors)


def still_images(run, shape):
    """Images (the first axis of `shape`) whose gradient has the fewest kinks among a few random ones."""
    count, *rest = shape
    found = []
    for seed in range(CANDIDATES):
        x = random_normal([1, *rest], seed)
        gradient, move = class_gradients(run, x)[1][0]
        found.append((float((move > STILL * gradient.abs().max()).double().mean()), seed))
        if sum(kinks < 0.01 for kinks, _ in found) == count:
            break
    return torch.cat([random_normal([1, *rest], seed) for _, seed in sorted(found)[:count]])


def main(model, folder, logits_name, layer, shape):
    sys.path.insert(0, str(SHARED / "reference"))
    from onnx_torch import OnnxTorch

    graph = OnnxTorch(model, torch.float64)

    def run(x):
        values = graph.run(x, until=logits_name)
        return values[logits_name].reshape(x.shape[0], -1), [values[graph.input], values[layer]]

    shape = [int(n) for n in shape.split(",")]
    out = pathlib.Path(folder)
    if not (out / "x.f32").exists():
        write_floats(out / "x.f32", still_images(run, shape).float())
    logits, (at_input, at_layer) = class_gradients(run, read_floats(out / "x.f32", shape))
    for name, tensor in (("logits", logits), ("input", at_input), ("layer", at_layer)):
        write_floats(out / f"{name}.f64", tensor)
    print(json.dumps({"classes": logits.argmax(1).tolist(), "layer": list(at_layer.shape[1:])}))


if __name__ == "__main__":
    if len(sys.argv) != 6:
        sys.exit(__doc__)
    main(*sys.argv[1:])
