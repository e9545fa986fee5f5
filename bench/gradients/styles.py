#!/usr/bin/python3
"""Writes small classifiers in the graph styles of old exporters, with random weights, into .cache/gradients/.

    bench/gradients/styles.py

MXNet: operator set 7, BatchNormalization unfused, Dropout, asymmetric pads, the head a Reshape and a Gemm.
Keras (keras2onnx, tf2onnx): images channels last, every convolution wrapped in Transposes, SAME padding, biases as Add,
means over height and width, a Softmax at the end. CNTK and Caffe: LRN, grouped convolutions, overlapping pools,
a Reshape to a batch of one. Needs Debian's python3-onnx.
"""
import pathlib

import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper

OUT = pathlib.Path(__file__).resolve().parents[2] / ".cache" / "gradients"


class Graph:
    """Collects nodes and weights; `add` returns the name of the node's output."""

    def __init__(self):
        self.random = numpy.random.RandomState(5)
        self.nodes, self.weights = [], []

    def add(self, op, *inputs, **attributes):
        name = f"{op.lower()}{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, list(inputs), [name], name, **attributes))
        return name

    def constant(self, array):
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(numpy.asarray(array), name))
        return name

    def normal(self, *shape, scale=1.0):
        fan = numpy.prod(shape[1:]) if len(shape) > 1 else 1
        return self.constant((self.random.randn(*shape) * scale / numpy.sqrt(fan)).astype(numpy.float32))

    def positive(self, *shape):
        return self.constant(self.random.uniform(0.5, 1.5, shape).astype(numpy.float32))

    def ints(self, *values):
        return self.constant(numpy.array(values, numpy.int64))

    def save(self, name, opset, shape, output, classes, batch="N"):
        dims = [batch, *shape]
        graph = helper.make_graph(
            self.nodes, name, [helper.make_tensor_value_info("data", TensorProto.FLOAT, dims)],
            [helper.make_tensor_value_info(output, TensorProto.FLOAT, [batch, classes])], self.weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
        model.ir_version = 4 if opset < 10 else 8
        path = OUT / f"{name}-{opset}.onnx"
        onnx.save(model, str(path))
        print(path.name)


def mxnet(opset):
    """A residual network as MXNet's exporter writes it: BatchNormalization first, also on the image."""
    g = Graph()

    def norm(x, channels):
        parameters = [g.positive(channels), g.normal(channels, scale=0.2), g.normal(channels, scale=0.2)]
        return g.add("BatchNormalization", x, *parameters, g.positive(channels), epsilon=2e-5, momentum=0.9)

    def conv(x, c, filters, kernel, stride, pads, **rest):
        weights = g.normal(filters, c, kernel, kernel, scale=1.4)
        return g.add("Conv", x, weights, kernel_shape=[kernel] * 2, strides=[stride] * 2, pads=pads, dilations=[1, 1],
                     group=1, **rest)

    x = norm("data", 3)
    x = g.add("Relu", norm(conv(x, 3, 16, 7, 2, [3, 3, 3, 3]), 16))
    x = g.add("MaxPool", x, kernel_shape=[3, 3], strides=[2, 2], pads=[0, 0, 1, 1])
    for c, filters, stride in ((16, 16, 1), (16, 24, 2)):
        y = g.add("Relu", norm(x, c))
        shortcut = x if stride == 1 else conv(y, c, filters, 1, stride, [0, 0, 0, 0])
        z = conv(y, c, filters, 3, stride, [1, 1, 1, 1] if stride == 1 else [0, 0, 1, 1])
        z = conv(g.add("LeakyRelu", norm(z, filters), alpha=0.1), filters, filters, 3, 1, [1, 1, 1, 1])
        x = g.add("Add", z, shortcut)
    x = g.add("Relu", norm(x, 24))
    x = g.add("Dropout", g.add("GlobalAveragePool", x))
    x = g.add("Reshape", x, g.ints(0, -1))
    x = g.add("Gemm", x, g.normal(10, 24), g.normal(10), transB=1, alpha=1.0, beta=1.0)
    g.save("mxnet-style", opset, [3, 64, 64], x, 10)


def keras(opset):
    """A MobileNet as keras2onnx writes it: channels last, every window operator between two Transposes."""
    g = Graph()

    def wrapped(op, x, *weights, **attributes):
        inside = g.add("Transpose", x, perm=[0, 3, 1, 2])
        return g.add("Transpose", g.add(op, inside, *weights, **attributes), perm=[0, 2, 3, 1])

    def norm(x, channels):
        parameters = [g.positive(channels), g.normal(channels, scale=0.2), g.normal(channels, scale=0.2)]
        return wrapped("BatchNormalization", x, *parameters, g.positive(channels), epsilon=1e-3)

    def relu6(x):
        if opset < 11:
            return g.add("Clip", x, min=0.0, max=6.0)
        return g.add("Clip", x, g.constant(numpy.float32(0)), g.constant(numpy.float32(6)))

    def mean(x):
        return g.add("ReduceMean", x, axes=[1, 2], keepdims=0)

    x = wrapped("Conv", "data", g.normal(12, 3, 3, 3, scale=1.4), auto_pad="SAME_UPPER", strides=[2, 2])
    x = relu6(norm(g.add("Add", x, g.normal(12)), 12))
    for c, filters, stride in ((12, 16, 1), (16, 24, 2)):
        x = wrapped("Conv", x, g.normal(c, 1, 3, 3, scale=1.4), auto_pad="SAME_UPPER", strides=[stride] * 2, group=c)
        x = relu6(norm(x, c))
        x = wrapped("Conv", x, g.normal(filters, c, 1, 1, scale=1.4), auto_pad="SAME_UPPER")
        x = relu6(norm(g.add("Add", x, g.normal(filters)), filters))
    x = wrapped("AveragePool", x, kernel_shape=[3, 3], strides=[2, 2], auto_pad="SAME_UPPER")
    x = g.add("Add", g.add("MatMul", mean(x), g.normal(24, 10)), g.normal(10))
    g.save("keras-style", opset, [64, 64, 3], g.add("Softmax", x, axis=1), 10)


def caffe(opset):
    """An AlexNet as converters of Caffe models write it: LRN, groups, overlapping pools, a Reshape of one image."""
    g = Graph()
    x = g.add("Relu", g.add("Conv", "data", g.normal(16, 3, 11, 11, scale=1.4), g.normal(16), strides=[4, 4]))
    x = g.add("LRN", x, size=5, alpha=1e-1, beta=0.75, bias=1.0)
    x = g.add("MaxPool", x, kernel_shape=[3, 3], strides=[2, 2], pads=[0, 0, 0, 0])
    x = g.add("Relu", g.add("Conv", x, g.normal(24, 8, 5, 5, scale=1.4), g.normal(24), pads=[2, 2, 2, 2], group=2))
    x = g.add("LRN", x, size=3, alpha=1e-1, beta=0.75, bias=2.0)
    x = g.add("MaxPool", x, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 0, 1, 0])
    x = g.add("Reshape", x, g.ints(1, 24 * 6 * 5))
    x = g.add("Relu", g.add("Gemm", x, g.normal(24 * 6 * 5, 32), g.normal(32)))
    x = g.add("Gemm", x, g.normal(10, 32), g.normal(10), transB=1)
    g.save("caffe-style", opset, [3, 103, 111], g.add("Softmax", x), 10, batch=1)


if __name__ == "__main__":
    OUT.mkdir(parents=True, exist_ok=True)
    for operator_set in (7, 9, 12):
        mxnet(operator_set)
        keras(operator_set)
        caffe(operator_set)
