"""Fixtures that all tests of modeling may use."""

from collections.abc import Iterator

import pytest
import torch

from tests.modeling.versions import modeling_workspace, tokenizer_folder, version  # noqa: F401


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Tests' models are so small that threads only cost."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
