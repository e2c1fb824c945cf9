"""The package that decoders are asked through, which the core install does not bring."""

from __future__ import annotations

from importlib import import_module

from curation.errors import DollmaError
from modeling.extras import TRAINING, check_extras

PACKAGE = "lm_eval"


def check_extra() -> None:
    """Raises DollmaError, naming the extra, where lm-eval or what it needs can't be imported."""
    try:
        import_module(PACKAGE)
    except ImportError as error:
        raise DollmaError(
            f"decoders are asked through the package {PACKAGE}, which can't be imported ({error}): pip install 'dollma[decoders]'"
        ) from error
    check_extras(TRAINING)
