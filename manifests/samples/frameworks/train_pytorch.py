"""PyTorch, on one node or on several: the same script. With several, each rank learns from its own share of the data and all keep the same weights.

It goes on from its last checkpoint, wherever an earlier attempt ended.
"""

import os
from pathlib import Path

import mlflow
import torch
import torch.distributed as dist
from sklearn.datasets import load_digits
from torch.nn.parallel import DistributedDataParallel

EPOCHS = int(os.environ.get("TREADLE_PARAM_EPOCHS", "20"))
rank, world = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
if world > 1:
    dist.init_process_group("nccl" if torch.cuda.is_available() else "gloo")  # finds the others by MASTER_ADDR, MASTER_PORT, RANK and WORLD_SIZE

torch.manual_seed(1)
pixels, labels = load_digits(return_X_y=True)
inputs, truth = torch.tensor(pixels / 16, dtype=torch.float32), torch.tensor(labels)
seen, share = slice(0, 1500), slice(rank, 1500, world)
plain = torch.nn.Sequential(torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Linear(32, 10))
model = DistributedDataParallel(plain) if world > 1 else plain
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)

folder = os.environ.get("TREADLE_CHECKPOINT_DIR")
checkpoint = Path(folder) / "last.pt" if folder else None
first = 0
if checkpoint and checkpoint.exists():
    kept = torch.load(checkpoint)
    plain.load_state_dict(kept["model"])
    optimizer.load_state_dict(kept["optimizer"])
    first = kept["epoch"] + 1


def learn(epoch: int) -> None:
    """One pass over this rank's share; rank 0 tells how it went and keeps a checkpoint."""
    for rows in torch.arange(1500)[share].split(64):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(inputs[rows]), truth[rows])
        loss.backward()
        optimizer.step()
    if rank == 0:
        right = plain(inputs[1500:]).argmax(dim=1) == truth[1500:]
        mlflow.log_metrics({"loss": loss.item(), "accuracy": right.float().mean().item(), "epoch": epoch + 1}, step=epoch)
        if checkpoint:
            half = checkpoint.with_suffix(".new")
            torch.save({"model": plain.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch}, half)
            half.replace(checkpoint)


if rank == 0:
    mlflow.start_run()
    mlflow.log_param("world_size", world)
for epoch in range(first, EPOCHS):
    learn(epoch)
if rank == 0:
    mlflow.end_run()
if world > 1:
    dist.destroy_process_group()
