"""One process or several: who this one is, which device it has, and sums over all. torchrun starts the others and says so in the environment."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass

import torch
import torch.distributed
from torch import Tensor, nn

from curation.errors import DollmaError


@dataclass(frozen=True)
class Ranks:
    """This process's number among `count`, and its device."""

    rank: int
    count: int
    device: torch.device

    @property
    def first(self) -> bool:
        """The one that writes."""
        return self.rank == 0

    def sum(self, numbers: Sequence[float]) -> list[float]:
        """The numbers of all processes added up, in float64. All must ask for it; none goes on before the others have."""
        return numbers if self.count == 1 else self.sum_tensor(torch.tensor(numbers, dtype=torch.float64)).tolist()  # type: ignore[return-value]

    def sum_tensor(self, values: Tensor) -> Tensor:
        """The same for a tensor."""
        if self.count == 1:
            return values
        values = values.to(self.device)
        torch.distributed.all_reduce(values)
        return values

    def wrapped(self, module: nn.Module) -> nn.Module:
        """The module, its gradients averaged over the processes while they are computed."""
        return module if self.count == 1 else nn.parallel.DistributedDataParallel(module)

    def unsynced(self, module: nn.Module, wanted: bool) -> AbstractContextManager[None]:
        """Within, gradients stay with this process: all but the last pass of a step need no exchange."""
        return module.no_sync() if wanted and isinstance(module, nn.parallel.DistributedDataParallel) else nullcontext()


@contextmanager
def joined(device: str) -> Iterator[Ranks]:
    """Join the processes that torchrun started, or none. `device` is `cpu`, `cuda`, or `auto`: CUDA where there is any. Raises DollmaError where `cuda` is not there."""
    rank, count, local = (int(os.environ.get(name, default)) for name, default in (("RANK", 0), ("WORLD_SIZE", 1), ("LOCAL_RANK", 0)))
    if device == "cuda" and not torch.cuda.is_available():
        raise DollmaError("run.device is cuda, but torch sees no such device: install torch with CUDA, or set run.device=auto")
    cuda = device != "cpu" and torch.cuda.is_available()
    if cuda:
        torch.cuda.set_device(local)
        torch.set_float32_matmul_precision("high")  # TF32 for the few products outside of autocast, as nanochat
    if count > 1:
        torch.distributed.init_process_group("nccl" if cuda else "gloo")
    try:
        yield Ranks(rank, count, torch.device("cuda", local) if cuda else torch.device("cpu"))
    finally:
        if count > 1:
            torch.distributed.destroy_process_group()
