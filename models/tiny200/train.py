#!/usr/bin/python3
"""Trains tiny200 on Tiny ImageNet, with checkpoints, on a CPU or a GPU.

    models/tiny200/train.py [--data FOLDER] [--out FOLDER] [--epochs 50] [--threads 2] [--seed 1]

Run it again with the same arguments and it goes on after the last epoch that finished. `export.py` writes
the ONNX file. Needs torch, numpy and Pillow (Debian: python3-torch python3-numpy python3-pil).
"""
import argparse
import copy
import json
import math
import os
import time
from pathlib import Path

import torch
from torch.nn import functional as F

import dataset
from network import tiny200

HERE = Path(__file__).resolve().parent
SHARED = Path(os.environ.get("SESS_SHARED", HERE.parents[2] / "shared"))
BATCH = 256
PEAK_RATE = 0.5
WARM_UP = 3  # epochs
DECAY = 5e-5
SMOOTHING = 0.1
AVERAGE = 0.998  # of the weights, a step
# Share of the epochs to the side of the crops: small pictures first, which cost a quarter of the large ones.
SIZES = ((0.0, 32), (0.35, 40), (0.65, 48), (0.92, 56))


def size_of(epoch, epochs):
    return [size for share, size in SIZES if epoch >= share * epochs][-1]


def rate_of(step, steps, warm_up):
    """Linear warm-up, then half a cosine to zero."""
    if step < warm_up:
        return PEAK_RATE * (step + 1) / warm_up
    return PEAK_RATE * 0.5 * (1 + math.cos(math.pi * (step - warm_up) / (steps - warm_up)))


def optimiser_of(network):
    """SGD with Nesterov momentum; normalisation and biases are not decayed."""
    matrices = [p for p in network.parameters() if p.ndim > 1]
    vectors = [p for p in network.parameters() if p.ndim == 1]
    groups = [{"params": matrices, "weight_decay": DECAY}, {"params": vectors, "weight_decay": 0}]
    return torch.optim.SGD(groups, lr=0, momentum=0.9, nesterov=True)


def follow(average, network, share):
    """Moves the averaged weights and statistics towards the network's."""
    with torch.no_grad():
        for mean, now in zip(average.state_dict().values(), network.state_dict().values()):
            if mean.is_floating_point():
                mean.lerp_(now, 1 - share)
            else:
                mean.copy_(now)


def train_epoch(network, average, optimiser, data, epoch, options, device):
    tiles, targets = data
    # Seeded by epoch, so that a resumed run draws what an unbroken one would have drawn.
    generator = torch.Generator().manual_seed(options.seed * 100_003 + epoch)
    order = torch.randperm(len(tiles), generator=generator)
    steps_an_epoch = len(tiles) // BATCH
    size = size_of(epoch, options.epochs)
    loss_sum = 0.0
    network.train()
    for index in range(steps_an_epoch):
        step = epoch * steps_an_epoch + index
        for group in optimiser.param_groups:
            group["lr"] = rate_of(step, options.epochs * steps_an_epoch, WARM_UP * steps_an_epoch)
        chosen = order[index * BATCH : (index + 1) * BATCH]
        x, wanted = dataset.augment(tiles[chosen], targets[chosen], 200, size, generator)
        x = x.to(device, memory_format=torch.channels_last)
        with torch.autocast(device.type, dtype=torch.bfloat16):
            logits = network(x).float()
        loss = F.cross_entropy(logits, wanted.to(device), label_smoothing=SMOOTHING)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        # Young averages follow fast, else the first epochs would keep the random start.
        follow(average, network, min(AVERAGE, (1 + step) / (10 + step)))
        loss_sum += loss.item()
    return loss_sum / steps_an_epoch


@torch.no_grad()
def top1(network, data, device):
    """Share of the tiles whose first guess is right, whole tiles at 64 x 64, in float32."""
    tiles, targets = data
    network.eval()
    right = 0
    for at in range(0, len(tiles), 500):
        x = dataset.normalise(tiles[at : at + 500]).to(device, memory_format=torch.channels_last)
        right += (network(x).argmax(1).cpu() == targets[at : at + 500]).sum().item()
    return right / len(tiles)


def save(path, state):
    part = path.with_suffix(".part")
    torch.save(state, part)
    part.replace(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=SHARED / "data" / "tiny-imagenet")
    parser.add_argument("--out", type=Path, default=HERE.parents[1] / ".cache" / "tiny200")
    parser.add_argument("--epochs", type=int, default=50)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()

    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    options.out.mkdir(parents=True, exist_ok=True)
    checkpoint = options.out / "checkpoint.pt"

    network = tiny200().to(device)
    average = copy.deepcopy(network)
    optimiser = optimiser_of(network)
    first = 0
    if checkpoint.exists():
        state = torch.load(checkpoint, map_location=device)
        if state["epochs"] != options.epochs or state["seed"] != options.seed:
            raise SystemExit(f"{checkpoint} is of {state['epochs']} epochs, seed {state['seed']}: name another --out")
        network.load_state_dict(state["network"])
        average.load_state_dict(state["average"])
        optimiser.load_state_dict(state["optimiser"])
        first = state["epoch"] + 1

    data = dataset.read(options.data, "train")
    held_out = dataset.read(options.data, "val-dev")
    for epoch in range(first, options.epochs):
        begin = time.time()
        loss = train_epoch(network, average, optimiser, data, epoch, options, device)
        accuracy = top1(average, held_out, device)
        line = {
            "epoch": epoch,
            "size": size_of(epoch, options.epochs),
            "loss": round(loss, 4),
            "top1": accuracy,
            "seconds": round(time.time() - begin, 1),
        }
        save(
            checkpoint,
            {
                "epoch": epoch,
                "epochs": options.epochs,
                "seed": options.seed,
                "network": network.state_dict(),
                "average": average.state_dict(),
                "optimiser": optimiser.state_dict(),
            },
        )
        with open(options.out / "log.jsonl", "a") as log:
            log.write(json.dumps(line) + "\n")
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
