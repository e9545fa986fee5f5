#!/usr/bin/python3
"""Exports a torchvision classifier with random weights to ONNX, for benchmarks and gradient tests.

    bench/models/export_torchvision.py resnet50 .cache/models/resnet50.onnx

`vgg16_pooled` is VGG-16 with a pooled linear head in place of its fully connected one.
Needs Debian's python3-torch, python3-torchvision and python3-onnx. A manifest is written beside the model.
"""
import json
import pathlib
import sys

import torch
import torchvision

SIDE = 224
NORMS = (torch.nn.BatchNorm2d, torch.nn.LayerNorm, torch.nn.GroupNorm)


def random_model(name: str, side: int) -> torch.nn.Module:
    """The architecture with random weights from a fixed seed that let activations and gradients through.

    BatchNorm statistics are set by three random batches in train mode: with the initial ones both vanish. Weights that
    are 0, 1 or 1e-6 at first (heads, norms, layer scales) are drawn too, as a gradient that skipped them would look right.
    """
    torch.manual_seed(7)
    options = {"image_size": side} if name.startswith("vit_") else {}
    if name in ("googlenet", "inception_v3"):
        options["aux_logits"] = False
    model = getattr(torchvision.models, name.removesuffix("_pooled"))(weights=None, **options)
    if name == "vgg16_pooled":
        model.avgpool, model.classifier = torch.nn.AdaptiveAvgPool2d(1), torch.nn.Linear(512, 1000)
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, NORMS) and module.weight is not None:
                module.weight.uniform_(0.5, 1.5)
                module.bias.normal_(0, 0.1)
            if isinstance(module, torch.nn.BatchNorm2d):
                module.reset_running_stats()
                module.momentum = None
        for parameter_name, parameter in model.named_parameters():
            if parameter_name.endswith("layer_scale"):
                parameter.normal_(0, 0.5)
            elif parameter.dim() > 1 and not parameter.any():
                parameter.normal_(0, 0.02)
        if any(isinstance(module, torch.nn.BatchNorm2d) for module in model.modules()):
            model.train()
            for _ in range(3):
                model(torch.randn(8, 3, side, side))
    return model.eval()


def export(model: torch.nn.Module, path: pathlib.Path, side: int, opset: int = 17) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.onnx.export(model, torch.randn(1, 3, side, side), str(path), opset_version=opset, input_names=["input"],
                      output_names=["logits"], dynamic_axes={"input": {0: "N"}, "logits": {0: "N"}})


def main(name: str, path: str) -> None:
    out = pathlib.Path(path)
    export(random_model(name, SIDE), out, SIDE)
    manifest = {"schema": 1, "id": f"{name}-random", "file": out.name,
                "preprocess": {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}}
    out.with_suffix(".json").write_text(json.dumps(manifest, indent=2) + "\n")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
