"""Optimizers that do without PyTorch's compiler.

Those of PyTorch 2.14 import it when they are made, only to be left out of what it compiles
(torch/_compile.py). Nothing is compiled here, and it takes longer to import than all the rest of
PyTorch, and 150 MB.
"""

from inspect import unwrap

import torch
from torch.optim import Optimizer

MARKED = ("step", "zero_grad", "add_param_group", "state_dict", "load_state_dict")
"""The methods around which PyTorch has put a call of its compiler."""


def plain(kind: type[Optimizer]) -> type[Optimizer]:
    """The same optimizer without the calls of the compiler."""
    methods = {name: unwrap(getattr(kind, name)) for name in MARKED}
    methods["step"] = torch.no_grad()(methods["step"])  # which the call of the compiler did
    return type(kind.__name__, (kind,), methods)
