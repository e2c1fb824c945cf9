"""AdamW as encoders are trained with it, and its state as plain tensors."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from curation.errors import DollmaError
from modeling.config import Optimiser


def adamw(model: nn.Module, settings: Optimiser) -> torch.optim.AdamW:
    """AdamW over a model's parameters, each once. What has one dimension, biases and norms, does not decay, as in BERT. Fused: one pass over memory, on a CPU too."""
    parameters = list(trained(model).values())
    groups = [
        {"params": [weights for weights in parameters if weights.ndim >= 2], "weight_decay": settings.weight_decay},
        {"params": [weights for weights in parameters if weights.ndim < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=0.0, betas=settings.betas, eps=settings.epsilon, fused=True)


def trained(model: nn.Module) -> dict[str, nn.Parameter]:
    """What of a model is trained, by name: all of it, unless adapters stand in for the rest."""
    return {name: weights for name, weights in model.named_parameters() if weights.requires_grad}


def update(optimiser: torch.optim.AdamW, model: nn.Module, learning_rate: float, clip: float) -> Tensor:
    """One step down gradients that are shortened to the norm `clip`; gives the norm they had, and forgets them."""
    norm = nn.utils.clip_grad_norm_(model.parameters(), clip)
    for group in optimiser.param_groups:
        group["lr"] = learning_rate
    optimiser.step()
    optimiser.zero_grad(set_to_none=True)
    return norm


def state(optimiser: torch.optim.AdamW, model: nn.Module) -> dict[str, Tensor]:
    """All that an optimiser remembers, as `PARAMETER/QUANTITY`."""
    return {f"{name}/{quantity}": value for name, weights in trained(model).items() for quantity, value in optimiser.state[weights].items()}


def restore(optimiser: torch.optim.AdamW, model: nn.Module, remembered: dict[str, Tensor]) -> None:
    """Put back what `state` gave. Raises DollmaError where it does not fit the model."""
    wanted = {f"{name}/{quantity}" for name in trained(model) for quantity in ("step", "exp_avg", "exp_avg_sq")}
    if wanted != set(remembered):
        raise DollmaError(f"the optimiser's state is not this model's: {', '.join(sorted(wanted ^ set(remembered))[:3])}")
    for name, weights in trained(model).items():
        optimiser.state[weights] = {
            quantity: remembered[f"{name}/{quantity}"].clone().to(weights.device) for quantity in ("step", "exp_avg", "exp_avg_sq")
        }
