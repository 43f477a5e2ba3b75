"""The cluster of the end-to-end tests, with other people's controllers in it: `make interop`."""

from e2e.conftest import apply, condition, environment, namespace

__all__ = ["apply", "condition", "environment", "namespace"]
