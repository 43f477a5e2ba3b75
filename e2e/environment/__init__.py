"""A place where Treadle runs: a cluster, the images in it, the outside systems, and the operator installed from its chart.

The demo and the end-to-end tests use the same steps, so what the demo shows is what the tests prove.
"""

from e2e.environment.add_ons import install_jobset, install_kueue, uninstall_add_ons
from e2e.environment.existing import DEMO_NAMESPACE, Existing, choose
from e2e.environment.operator import OPERATOR_NAMESPACE, install_operator
from e2e.environment.services import SERVICES_NAMESPACE, install_services, tenant_secrets
from e2e.environment.target import Embedded, Kind, Target
from e2e.environment.things import prepare

__all__ = [
    "DEMO_NAMESPACE",
    "OPERATOR_NAMESPACE",
    "SERVICES_NAMESPACE",
    "Embedded",
    "Existing",
    "Kind",
    "Target",
    "choose",
    "install_jobset",
    "install_kueue",
    "install_operator",
    "install_services",
    "prepare",
    "tenant_secrets",
    "uninstall_add_ons",
]
