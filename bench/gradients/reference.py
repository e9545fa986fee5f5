#!/usr/bin/python3
"""Gradients of an ONNX classifier's argmax logits in float64 by PyTorch's autograd, on the same graph.

    bench/gradients/reference.py FOLDER        # spoken to by bench/gradients/check.mjs

FOLDER/request.json names the model, its logits and layer, and files of float32: the images, and the tensors at whose
values an activation or a maximum bends. Those take ONNX Runtime's float32 values (the gradient passes them as they are),
so that both take the same branch at every kink; without that, a rounding of 1e-7 may switch an activation and move
the gradient by a thousandth. Writes FOLDER/input.f64 and FOLDER/layer.f64; prints the classes. The graph is run by
shared/reference/onnx_torch.py (beside the repository, or in SESS_SHARED). Needs Debian's python3-torch, python3-onnx.
"""
import json
import os
import pathlib
import sys

import numpy
import torch

SHARED = pathlib.Path(os.environ.get("SESS_SHARED", pathlib.Path(__file__).resolve().parents[3] / "shared"))
sys.path.insert(0, str(SHARED / "reference"))

from onnx_torch import OnnxTorch  # noqa: E402


class Graph(OnnxTorch):
    """With the operators that torchvision's exports need besides."""

    def _op(self, node, inputs, relu_rule):
        attributes = {a.name: a for a in node.attribute}
        if node.op_type == "Gather":
            axis = attributes["axis"].i if "axis" in attributes else 0
            axis %= inputs[0].dim()
            index = inputs[1].long()
            flat = inputs[0].index_select(axis, index.reshape(-1) % inputs[0].shape[axis])
            return flat.reshape(torch.Size([*inputs[0].shape[:axis], *index.shape, *inputs[0].shape[axis + 1:]]))
        if node.op_type == "Einsum":
            return torch.einsum(attributes["equation"].s.decode(), *inputs)
        if node.op_type in ("Mod", "Not", "Range"):
            return {"Mod": torch.remainder, "Not": torch.logical_not, "Range": torch.arange}[node.op_type](*inputs)
        if node.op_type == "ScatterND":
            data, index, updates = inputs
            return data.index_put(tuple(index.long().movedim(-1, 0)), updates)
        return super()._op(node, inputs, relu_rule)


def read_floats(path, shape):
    return torch.from_numpy(numpy.fromfile(path, numpy.float32)).reshape(shape).double()


def taking(value):
    """Replaces a tensor's numbers and leaves its gradient."""
    return lambda tensor: tensor + (value - tensor).detach()


def main(folder):
    folder = pathlib.Path(folder)
    request = json.loads((folder / "request.json").read_text())
    graph = Graph(request["model"], torch.float64)
    images = read_floats(folder / "x.f32", request["shape"])
    bends = {b["name"]: read_floats(folder / b["file"], b["shape"]) for b in request["bends"]}
    classes, gradients = [], []
    for i in range(images.shape[0]):  # one by one: some graphs take no other batch
        x = images[i:i + 1].requires_grad_()
        override = {name: taking(value[i:i + 1]) for name, value in bends.items()}
        values = graph.run(x, override=override, until=request["logits"])
        logits = values[request["logits"]].reshape(-1)
        classes.append(int(logits.argmax()))
        gradients.append(torch.autograd.grad(logits[classes[-1]], [values[graph.input], values[request["layer"]]]))
    for name, tensors in zip(("input", "layer"), zip(*gradients)):
        torch.cat(tensors).contiguous().numpy().tofile(folder / f"{name}.f64")
    print(json.dumps(classes))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
