"""Fixtures that all tests of modeling may use."""

from tests.modeling.versions import modeling_workspace, tokenizer_folder, version  # noqa: F401
