"""Several processes as one: `torchrun` starts them, gloo or NCCL joins them."""

import gc
from dataclasses import dataclass

import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel


@dataclass(frozen=True, kw_only=True)
class Processes:
    """This process's place among those that train together."""

    rank: int = 0
    """Number of this process; 0 validates and writes."""
    world_size: int = 1
    """Number of processes."""

    @classmethod
    def join(cls, device: torch.device) -> "Processes":
        """Meet the others if `torchrun` started us; else stand alone.

        Args:
            device: Where this process computes.

        Returns:
            This process's place.
        """
        if not distributed.is_torchelastic_launched():
            return cls()
        if not distributed.is_initialized():
            distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
        return cls(rank=distributed.get_rank(), world_size=distributed.get_world_size())

    @property
    def is_first(self) -> bool:
        """True for the one process that validates and writes."""
        return self.rank == 0

    def wrap(self, model: nn.Module) -> nn.Module:
        """Let gradients be averaged over the processes.

        Args:
            model: The network.

        Returns:
            The same network, or one that averages.
        """
        return model if self.world_size == 1 else DistributedDataParallel(model)

    def agree(self, value: float) -> float:
        """Let all processes use the first one's number.

        Args:
            value: This process's number.

        Returns:
            The first process's number.
        """
        if self.world_size == 1:
            return value
        tensor = torch.tensor([value], dtype=torch.float64)
        distributed.broadcast(tensor, src=0)
        return float(tensor)

    def wait(self) -> None:
        """Wait until every process is here."""
        if self.world_size > 1:
            distributed.barrier()

    def leave(self) -> None:
        """Part from the others; whoever holds a network of `wrap` must let go of it before.

        It keeps the group alive, and a group that Python itself has to clear away when it ends
        may take the process down with it.
        """
        if self.world_size > 1:
            distributed.barrier()
            gc.collect()
            distributed.destroy_process_group()
            gc.collect()
