"""Who reaches which port of whom, as the NetworkPolicies together say: Kubernetes' own rules on policies, written after its API reference."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

ALL_PORTS = range(1, 65536)


@dataclass(frozen=True)
class Pod:
    """A pod as policies see it."""

    namespace: str
    labels: Mapping[str, str]
    named: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, template: Mapping[str, Any], namespace: str) -> Pod:
        """A pod of a template."""
        ports = [port for container in template["spec"]["containers"] for port in container.get("ports", ())]
        return cls(namespace, template["metadata"]["labels"], {port["name"]: port["containerPort"] for port in ports})


def answers(policies: Sequence[Any], target: Pod, source: Pod) -> set[int]:
    """The TCP ports of `target` that `source` reaches, as far as the policies for what comes in say."""
    ours = [policy for policy in policies if "Ingress" in policy["spec"]["policyTypes"] and _chosen(policy, target)]
    if not ours:
        return set(ALL_PORTS)
    rules = [(rule, policy["metadata"]["namespace"]) for policy in ours for rule in policy["spec"].get("ingress", ())]
    return {port for rule, home in rules if _from(rule, home, source) for port in _ports(rule, target)}


def egress_ports(policy: Any, *, to: str = "anywhere") -> set[tuple[str, int]]:
    """Protocols and numbers of the ports that a policy opens to everything (`anywhere`), or to peers alone (`peers`)."""
    rules = [rule for rule in policy["spec"]["egress"] if ("to" in rule) == (to == "peers")]
    return {(port["protocol"], port["port"]) for rule in rules for port in rule["ports"]}


def _chosen(policy: Any, pod: Pod) -> bool:
    return policy["metadata"]["namespace"] == pod.namespace and _matches(policy["spec"]["podSelector"], pod.labels)


def _from(rule: Any, home: str, source: Pod) -> bool:
    return not rule.get("from") or any(_peer(peer, home, source) for peer in rule["from"])


def _peer(peer: Any, home: str, source: Pod) -> bool:
    assert set(peer) <= {"podSelector", "namespaceSelector"}, "blocks of addresses name no pods"
    if "namespaceSelector" in peer:
        there = _matches(peer["namespaceSelector"], {"kubernetes.io/metadata.name": source.namespace})
    else:
        there = source.namespace == home
    return there and _matches(peer.get("podSelector", {}), source.labels)


def _matches(selector: Any, labels: Mapping[str, str]) -> bool:
    assert set(selector) <= {"matchLabels"}, selector
    wanted: Mapping[str, str] = selector.get("matchLabels", {})
    return wanted.items() <= labels.items()


def _ports(rule: Any, target: Pod) -> Iterator[int]:
    """Without ports a rule opens all of them: so one rule may undo what another says of a single port."""
    if not rule.get("ports"):
        yield from ALL_PORTS
    for port in rule.get("ports", ()):
        if port["protocol"] != "TCP":
            continue
        if isinstance(port["port"], str):
            yield from (number for name, number in target.named.items() if name == port["port"])
        else:
            yield from range(port["port"], port.get("endPort", port["port"]) + 1)
