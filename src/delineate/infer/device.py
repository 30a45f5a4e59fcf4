"""Where a network runs, and what that place computes fast."""

import torch

from delineate.core.errors import DelineateError


def choose_device(name: str) -> torch.device:
    """Turn a device's name into a device that is there.

    Args:
        name: "auto" (CUDA if there is one), "cpu", "cuda" or "cuda:N".

    Returns:
        The device.

    Raises:
        DelineateError: If there is no such device here.
    """
    has_cuda = torch.cuda.is_available()
    if name == "auto":
        return torch.device("cuda" if has_cuda else "cpu")
    kind, _, number = name.partition(":")
    is_there = name == "cpu" or (
        kind == "cuda"
        and has_cuda
        and (number or "0").isdigit()
        and int(number or 0) < torch.cuda.device_count()
    )
    if not is_there:
        raise DelineateError(
            f"device must be auto, cpu or a CUDA device that is there, not {name!r}. "
            "Pass --device cpu."
        )
    return torch.device(name)


def has_bf16(device: torch.device) -> bool:
    """Tell whether a device computes in bfloat16 rather than imitate it.

    Args:
        device: A CPU or CUDA device.

    Returns:
        True if bfloat16 is worth its while there.
    """
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    able = torch.cpu.get_capabilities()
    return bool(able.get("avx512_bf16") or able.get("amx_bf16") or able.get("bf16"))
