"""The network of tiny200: bottleneck residual blocks with squeeze-and-excitation, at stride 8.

Input N x 3 x 64 x 64, output N x 200 logits. The last feature map is 512 x 8 x 8: eight cells a side
instead of the four of a usual network at this window, because class activation maps are made of them.

Sources: He et al. 2016 (bottlenecks), Hu et al. 2018 (squeeze-and-excitation).
"""
import torch
from torch import nn

STEM = 32  # channels at 32 x 32
EDGES = 48  # channels at 16 x 16
WIDTH = 256  # channels at 8 x 8
NECK = 72  # channels inside a bottleneck
BLOCKS = 6
FEATURES = 512  # channels of the last feature map


def conv(inputs, outputs, kernel, stride=1, relu=True):
    """Convolution without bias, batch normalisation and, unless told otherwise, ReLU."""
    layers = [
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(outputs),
    ]
    return nn.Sequential(*layers, nn.ReLU(inplace=True)) if relu else nn.Sequential(*layers)


class Excite(nn.Module):
    """Scales each channel by what the whole window says: context for cells that see only a part."""

    def __init__(self, channels):
        super().__init__()
        self.squeeze = nn.Linear(channels, channels // 4)
        self.expand = nn.Linear(channels // 4, channels)

    def forward(self, x):
        pooled = torch.relu(self.squeeze(x.mean((2, 3))))
        return x * torch.sigmoid(self.expand(pooled))[:, :, None, None]


class Residual(nn.Module):
    """relu(x + branch(x)); the branch starts at zero, so a fresh network is shallow."""

    def __init__(self, *branch):
        super().__init__()
        self.branch = nn.Sequential(*branch)
        last_norm = [m for m in self.branch.modules() if isinstance(m, nn.BatchNorm2d)][-1]
        nn.init.zeros_(last_norm.weight)

    def forward(self, x):
        return torch.relu(x + self.branch(x))


def basic(channels):
    return Residual(conv(channels, channels, 3), conv(channels, channels, 3, relu=False))


def bottleneck(channels, neck, excite):
    branch = [conv(channels, neck, 1), conv(neck, neck, 3), conv(neck, channels, 1, relu=False)]
    return Residual(*branch, *([Excite(channels)] if excite else []))


def tiny200(classes=200):
    """A fresh network, weights drawn from torch's global generator."""
    network = nn.Sequential(
        conv(3, STEM, 3, stride=2),
        conv(STEM, EDGES, 3, stride=2),
        basic(EDGES),
        conv(EDGES, WIDTH, 3, stride=2),
        *[bottleneck(WIDTH, NECK, excite=index % 2 == 1) for index in range(BLOCKS)],
        conv(WIDTH, FEATURES, 1),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(FEATURES, classes),
    )
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    return network.to(memory_format=torch.channels_last)
