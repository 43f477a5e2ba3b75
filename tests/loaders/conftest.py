"""A real S3 server, and versions that the release Job wrote there; run by `make loaders` in an environment of its own."""

from tests.integration.servers import s3
from tests.loaders.versions import shelf

__all__ = ["s3", "shelf"]
"""Fixtures."""
