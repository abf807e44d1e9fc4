"""What a trial would train with, without importing PyTorch where no GPU is involved."""

from pathlib import Path

GPU_DEVICES = ("/dev/nvidiactl", "/dev/dxg")
"""Files of which one exists where there may be a GPU that PyTorch can use."""
BFLOAT16 = {"avx512_bf16", "amx_bf16"}
"""The instructions with which bfloat16 is faster than float32, as /proc/cpuinfo names them."""


def has_gpu() -> bool:
    """Whether PyTorch finds a GPU on this machine."""
    if not any(Path(device).exists() for device in GPU_DEVICES):
        return False
    import torch

    return torch.cuda.is_available()


def precision_of(device: str, precision: str) -> str:
    """The precision that `training.Hardware` would choose, by its name."""
    if precision != "auto":
        return precision
    if device == "cpu":
        return "bfloat16" if BFLOAT16 & _flags() else "float32"
    from hypertuning.learn.training import Hardware

    return str(Hardware.of(device, precision).precision).removeprefix("torch.")


def _flags() -> set[str]:
    """The instructions that the processor has."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    flags = next((line for line in lines if line.startswith("flags")), "")
    return set(flags.partition(":")[2].split())
