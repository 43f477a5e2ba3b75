"""What the pages about objects share: how an object is chosen, and how it is called."""

from e2e.dashboards.panels import Variable

TENANT = 'tenant_namespace=~"$tenant_namespace"'
ONE = f'{TENANT}, name=~"$name"'
WHO = "tenant_namespace, name"
CALLED = "{{tenant_namespace}}/{{name}}"


def choices(kind: str) -> tuple[Variable, Variable]:
    """Choose among the namespaces of a kind's objects, and among the names of those. Every object that was looked at has a condition."""
    namespaces = f'label_values(treadle_condition{{kind="{kind}"}}, tenant_namespace)'
    names = f'label_values(treadle_condition{{kind="{kind}", {TENANT}}}, name)'
    return Variable("tenant_namespace", namespaces), Variable("name", names)
