"""The real servers that the operator is cut off from."""

from tests.integration.control_plane import control_plane
from tests.integration.servers import label_studio, mlflow, s3

__all__ = ["control_plane", "label_studio", "mlflow", "s3"]
