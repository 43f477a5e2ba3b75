"""GPUs: how many of which kind, in the words of device plugins."""

from collections.abc import Mapping
from dataclasses import dataclass

DEFAULT_RESOURCE = "nvidia.com/gpu"
PRODUCT_LABELS: Mapping[str, str] = {
    "nvidia.com": "nvidia.com/gpu.product",
    "amd.com": "amd.com/gpu.product-name",
    "gpu.intel.com": "gpu.intel.com/product",
}
"""The label by which each vendor's feature discovery names the product on nodes, by the domain of the resource. A MIG slice is NVIDIA's too."""


@dataclass(frozen=True, kw_only=True)
class Gpu:
    """A number of devices of an extended resource, such as `amd.com/gpu` or `nvidia.com/mig-1g.10gb`, on nodes with a `product`."""

    count: int = 0
    resource: str = DEFAULT_RESOURCE
    product: str = ""

    def resources(self) -> dict[str, str]:
        """Extended resources: asked for and bounded alike, whole numbers only. None at all without devices."""
        return {self.resource: str(self.count)} if self.count else {}

    def node_selector(self) -> dict[str, str]:
        """Nodes that have the product asked for. The API accepts a product only of vendors that are known here."""
        label = PRODUCT_LABELS.get(self.resource.partition("/")[0])
        return {label: self.product} if self.count and self.product and label else {}
