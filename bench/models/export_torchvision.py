#!/usr/bin/python3
"""Exports a torchvision classifier with random weights to ONNX, for benchmarks and gradient tests.

    bench/models/export_torchvision.py resnet50 .cache/models/resnet50.onnx

Needs Debian's python3-torch, python3-torchvision and python3-onnx. BatchNorm statistics are set by three random batches
in train mode: with the initial ones activations and gradients vanish. A manifest is written beside the model.
"""
import json
import pathlib
import sys

import torch
import torchvision

SIDE = 224


def main(name: str, path: str) -> None:
    torch.manual_seed(7)
    model = getattr(torchvision.models, name)(weights=None)
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.reset_running_stats()
            module.momentum = None
    model.train()
    with torch.no_grad():
        for _ in range(3):
            model(torch.randn(8, 3, SIDE, SIDE))
    model.eval()
    out = pathlib.Path(path)
    out.parent.mkdir(parents=True, exist_ok=True)
    torch.onnx.export(model, torch.randn(1, 3, SIDE, SIDE), str(out), opset_version=17, input_names=["input"],
                      output_names=["logits"], dynamic_axes={"input": {0: "N"}, "logits": {0: "N"}})
    manifest = {"schema": 1, "id": f"{name}-random", "file": out.name,
                "preprocess": {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}}
    out.with_suffix(".json").write_text(json.dumps(manifest, indent=2) + "\n")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
