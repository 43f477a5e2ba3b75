"""The cluster of the end-to-end tests, for tests that are too large for every day: `make e2e-frameworks`."""

from e2e.conftest import apply, condition, environment, namespace

__all__ = ["apply", "condition", "environment", "namespace"]
