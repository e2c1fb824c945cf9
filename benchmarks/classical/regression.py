"""Logistic regression on sparse rows."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

STEPS = 100
"""Of L-BFGS at most; of real sets, 20 to 60 are taken."""


def fitted(rows: Tensor, labels: Tensor, classes: int, strength: float) -> Tensor:
    """Weights [features + 1, classes], the last row being the offsets: the minimum of the summed negative log-likelihood times `strength` plus half the squares of the
    weights, as scikit-learn's C. From zeros, by L-BFGS: the same each time."""
    weights = torch.zeros(rows.shape[1] + 1, classes, dtype=torch.float64)
    across = rows.to_sparse_coo().t().to_sparse_csr()  # the gradient reads columns
    one_hot = functional.one_hot(labels, classes).to(torch.float64)
    optimiser = torch.optim.LBFGS(
        [weights], max_iter=STEPS, tolerance_grad=1e-5, tolerance_change=1e-9, history_size=5, line_search_fn="strong_wolfe"
    )

    def loss() -> Tensor:
        logits = predicted(rows, weights)
        apart = logits.softmax(1) - one_hot
        weights.grad = torch.cat([strength * (across @ apart) + weights[:-1], strength * apart.sum(0, keepdim=True)])
        return strength * functional.cross_entropy(logits, labels, reduction="sum") + weights[:-1].square().sum() / 2

    with torch.no_grad():
        optimiser.step(loss)
    return weights


def predicted(rows: Tensor, weights: Tensor) -> Tensor:
    """Logits [n, classes]."""
    return rows @ weights[:-1] + weights[-1]
