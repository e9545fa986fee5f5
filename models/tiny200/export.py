#!/usr/bin/python3
"""Writes what ships of tiny200: tiny200.onnx, labels.json and the manifest tiny200.json, beside this file.

    models/tiny200/export.py [--checkpoint FILE] [--data FOLDER]

Takes the averaged weights of a checkpoint of `train.py`, scales the logits so that probabilities mean what they say,
and folds batch normalisation into the convolutions. Needs python3-onnx besides what training needs. The same checkpoint
gives the same bytes. Top-1 and top-5 through ONNX Runtime: `node bench/tiny200.mjs`.
"""
import argparse
import hashlib
import io
import json
import re
from collections import Counter
from pathlib import Path

import onnx
import torch
from torch.nn import functional as F

import dataset
from network import tiny200
from train import HERE, SHARED

SIDE = dataset.TILE
OPSET = 13
EVERY = 16  # of the training tiles, one is looked at for calibration


@torch.no_grad()
def calibrate(network, tiles, targets):
    """Multiplies the logits by the factor that makes these tiles most likely, and returns it.

    Label smoothing and cut pictures leave the network far less sure than it is right, and SESS weighs windows by
    probability: an unsure network hardly tells the right window from the others. The order of the classes stays.
    Source: Guo et al. 2017 (temperature scaling; the factor is one over the temperature).
    """
    logits = torch.cat([network(dataset.normalise(batch)) for batch in tiles.split(250)])
    factors = torch.linspace(0.5, 4, 351)
    losses = [F.cross_entropy(logits * factor, targets).item() for factor in factors]
    factor = factors[losses.index(min(losses))].item()
    network[-1].weight *= factor
    network[-1].bias *= factor
    return factor


def to_onnx(network):
    """The graph as PyTorch exports it: `input` N x 3 x 64 x 64 to `logits` N x 200."""
    buffer = io.BytesIO()
    torch.onnx.export(
        network,
        torch.zeros(1, 3, SIDE, SIDE),
        buffer,
        opset_version=OPSET,
        input_names=["input"],
        output_names=["logits"],
        dynamic_axes={"input": {0: "N"}, "logits": {0: "N"}},
    )
    return onnx.load_from_string(buffer.getvalue())


def tidy(model):
    """Names that a reader can follow (`conv_3`, `conv_3.weight`, `features`), and no trace of the exporting machine."""
    graph = model.graph
    graph.name = "tiny200"
    weights = {initializer.name for initializer in graph.initializer}
    names = {tensor.name: tensor.name for tensor in [*graph.input, *graph.output]}
    names.update({node.input[0]: "features" for node in graph.node if node.op_type == "GlobalAveragePool"})
    counts = Counter()
    for node in graph.node:
        node.doc_string = ""
        kind = node.op_type.lower()
        counts[kind] += 1
        node.name = f"{kind}_{counts[kind]}"
        roles = iter(("weight", "bias") if kind in ("conv", "gemm", "matmul") else (f"operand_{i}" for i in range(9)))
        for name in node.input:
            if name in weights and name not in names:
                names[name] = f"{node.name}.{next(roles)}"
        names.setdefault(node.output[0], node.name)
        node.input[:] = [names[name] for name in node.input]
        node.output[:] = [names[name] for name in node.output]
    for initializer in graph.initializer:
        initializer.name = names[initializer.name]
    del graph.value_info[:]
    onnx.checker.check_model(model, full_check=True)
    return model


def manifest_of(content):
    flat = lambda values: [round(value, 6) for value in values.flatten().tolist()]
    return {
        "schema": 1,
        "id": "tiny200",
        "title": "tiny200, 64 px, the 200 classes of Tiny ImageNet",
        "file": "tiny200.onnx",
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "input": {"name": "input", "layout": "NCHW", "channels": "RGB", "height": SIDE, "width": SIDE},
        "preprocess": {"mean": flat(dataset.MEAN), "std": flat(dataset.STD)},
        "logits": "logits",
        "layer": "features",
        "activation": "softmax",
        "labels": "labels.json",
        "licence": "MIT",
        "source": "sess-saliency, models/tiny200/README.md; trained on Tiny ImageNet, whose terms are research and education",
    }


def write_json(path, data):
    """Indented, but with numbers in one line."""
    text = json.dumps(data, indent=2, ensure_ascii=False)
    text = re.sub(r"\[[\d\s.,-]+\]", lambda numbers: " ".join(numbers[0].split()).replace("[ ", "[").replace(" ]", "]"), text)
    path.write_text(text + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, default=HERE.parents[1] / ".cache" / "tiny200" / "checkpoint.pt")
    parser.add_argument("--data", type=Path, default=SHARED / "data" / "tiny-imagenet")
    options = parser.parse_args()

    state = torch.load(options.checkpoint, map_location="cpu")
    network = tiny200()
    network.load_state_dict(state["average"])
    network = network.to(memory_format=torch.contiguous_format).eval()
    tiles, targets = dataset.read(options.data, "train")
    factor = calibrate(network, tiles[::EVERY], targets[::EVERY])
    content = tidy(to_onnx(network)).SerializeToString()
    (HERE / "tiny200.onnx").write_bytes(content)
    write_json(HERE / "labels.json", dataset.labels(options.data))
    write_json(HERE / "tiny200.json", manifest_of(content))
    parameters = sum(p.numel() for p in network.parameters())
    print(f"epoch {state['epoch'] + 1} of {state['epochs']}, logits x {factor:.2f}")
    print(f"{parameters:,} parameters, {len(content):,} bytes")


if __name__ == "__main__":
    main()
