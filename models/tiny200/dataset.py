"""Tiny ImageNet as one uint8 array, and the augmentation that SESS needs.

The sheets of `tiny-imagenet/`: `train/WNID.webp` has 400 tiles in 25 columns, `val-dev/WNID.webp` 25 tiles
in 5 columns, in reading order; `classes.json` lists the classes in the order of the logits.
"""
import json
import math
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch.nn import functional as F

TILE = 64
COLUMNS = {"train": 25, "val-dev": 5}
MEAN = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
STD = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)


def labels(folder):
    """The 200 label strings, in class order."""
    return [entry["label"] for entry in json.loads((Path(folder) / "classes.json").read_text())]


def read(folder, split):
    """Tiles N x 3 x 64 x 64 uint8 and classes N int64 of `split` ("train" or "val-dev")."""
    classes = json.loads((Path(folder) / "classes.json").read_text())
    tiles = [_tiles(Path(folder) / split / f"{entry['wnid']}.webp", COLUMNS[split]) for entry in classes]
    targets = np.repeat(np.arange(len(classes)), [len(sheet) for sheet in tiles])
    return torch.from_numpy(np.concatenate(tiles)), torch.from_numpy(targets)


def _tiles(path, columns):
    with Image.open(path) as image:
        sheet = np.asarray(image.convert("RGB"))
    rows = sheet.shape[0] // TILE
    if sheet.shape != (rows * TILE, columns * TILE, 3):
        raise SystemExit(f"{path}: {sheet.shape[1]} x {sheet.shape[0]} pixels is no sheet of {columns} columns")
    grid = sheet.reshape(rows, TILE, columns, TILE, 3)
    return np.ascontiguousarray(grid.transpose(0, 2, 4, 1, 3)).reshape(-1, 3, TILE, TILE)


def normalise(tiles):
    """uint8 to float32, as the manifest states it: (v / 255 - mean) / std."""
    return (tiles.float() / 255 - MEAN) / STD


def augment(tiles, targets, classes, size, generator):
    """One training batch: N x 3 x size x size normalised, and N x classes target probabilities.

    Crops of 20 to 100 % of the area, because a SESS window sees its object at any size and cut anywhere;
    flips; brightness, contrast and saturation; and now and then the edge of another picture, as a window
    that slides over a scene has it, with the target shared by area.
    """
    count = len(tiles)
    x = F.grid_sample(tiles.float() / 255, _crops(count, size, generator), padding_mode="reflection", align_corners=False)
    x = (_colour(x, generator) - MEAN) / STD
    wanted = F.one_hot(targets, classes).float()
    return _neighbour(x, wanted, generator)


def _uniform(low, high, shape, generator):
    return torch.rand(shape, generator=generator) * (high - low) + low


def _crops(count, size, generator):
    """Sampling grids count x size x size x 2 of random resized crops, half of them mirrored."""
    area = _uniform(0.2, 1, count, generator)
    ratio = torch.exp(_uniform(math.log(3 / 4), math.log(4 / 3), count, generator))
    width = torch.clamp(torch.sqrt(area * ratio), max=1)
    height = torch.clamp(torch.sqrt(area / ratio), max=1)
    centre_x = _uniform(-1, 1, count, generator) * (1 - width)
    centre_y = _uniform(-1, 1, count, generator) * (1 - height)
    mirror = torch.where(torch.rand(count, generator=generator) < 0.5, -1.0, 1.0)
    affine = torch.zeros(count, 2, 3)
    affine[:, 0, 0], affine[:, 0, 2] = width * mirror, centre_x
    affine[:, 1, 1], affine[:, 1, 2] = height, centre_y
    return F.affine_grid(affine, (count, 3, size, size), align_corners=False)


def _colour(x, generator):
    count = len(x)
    brightness, contrast, saturation = _uniform(0.7, 1.3, (3, count, 1, 1, 1), generator)
    x = x * brightness
    x = (x - x.mean((1, 2, 3), keepdim=True)) * contrast + x.mean((1, 2, 3), keepdim=True)
    grey = x.mean(1, keepdim=True)
    return torch.clamp((x - grey) * saturation + grey, 0, 1)


def _neighbour(x, wanted, generator):
    """In a quarter of the batches one side of every picture, up to 40 % of it, shows another picture."""
    if torch.rand((), generator=generator) >= 0.25:
        return x, wanted
    size = x.shape[-1]
    strip = int(_uniform(0.1, 0.4, (), generator) * size)
    side = int(torch.randint(4, (), generator=generator))
    other = torch.randperm(len(x), generator=generator)
    start = 0 if side % 2 == 0 else size - strip
    axis = 2 + side // 2
    x.narrow(axis, start, strip).copy_(x[other].narrow(axis, start, strip))
    return x, wanted * (1 - strip / size) + wanted[other] * (strip / size)
