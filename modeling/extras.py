"""What models need and the core install does not bring."""

from __future__ import annotations

from importlib import import_module

from curation.errors import DollmaError

TOKENS, TRAINING = ("tokenizers",), ("tokenizers", "safetensors", "torch", "transformers")
"""Packages of the extra `train` that tokenizers and tokens need, and those that training needs."""
ADAPTERS = ("peft",)
"""Of the extra `adapt`."""


def check_extras(packages: tuple[str, ...]) -> None:
    """Raises DollmaError, naming the extra, where one of these can't be imported."""
    for name in packages:
        try:
            import_module(name)
        except ImportError as error:
            extra = "adapt" if name in ADAPTERS else "train"
            raise DollmaError(
                f"models need the package {name}, which can't be imported ({error}): pip install 'dollma[{extra}]'"
            ) from error
