#!/usr/bin/python3
"""Exports torchvision's classifiers with random weights at several operator sets, into .cache/gradients/.

    bench/gradients/export.py [NAME...]        # all of them without names

Needs Debian's python3-torch, python3-torchvision and python3-onnx. An operator set that PyTorch's exporter refuses for
an architecture is left out and said.
"""
import pathlib
import sys
import warnings

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "models"))

from export_torchvision import export, random_model  # noqa: E402

OUT = HERE.parents[1] / ".cache" / "gradients"
OPSETS = (9, 13, 17)

# The window's side, as small as the architecture allows: float64 is slow
SIDES = {
    96: """resnet18 resnet50 resnext50_32x4d wide_resnet50_2 densenet121 squeezenet1_0 squeezenet1_1 googlenet
        mobilenet_v2 mobilenet_v3_small mobilenet_v3_large mnasnet1_0 shufflenet_v2_x1_0 regnet_x_400mf
        regnet_y_400mf efficientnet_b0 efficientnet_v2_s convnext_tiny vit_b_16""",
    112: "swin_t",
    128: "swin_v2_t",
    160: "inception_v3",
    224: "alexnet vgg11 vgg16 vgg16_bn maxvit_t",
}
NAMES = {name: side for side, names in SIDES.items() for name in names.split()}


def export_all(name: str, side: int) -> None:
    model = random_model(name, side)
    for opset in OPSETS:
        path = OUT / f"{name}-{opset}.onnx"
        try:
            export(model, path, side, opset)
            print(path.name, flush=True)
        except Exception as error:  # the exporter raises half a dozen types
            path.unlink(missing_ok=True)
            print(f"{path.name}: {str(error).strip().splitlines()[0][:160]}", flush=True)


if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    for each in sys.argv[1:] or NAMES:
        export_all(each, NAMES[each])
