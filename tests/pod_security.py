"""The restricted profile of the Kubernetes Pod Security Standards, as a check on a pod template, and what Treadle asks of its own pods beyond it.

Written after the standard's table, not after our builders, so that both can be wrong only independently.
"""

from collections.abc import Iterator, Mapping
from typing import Any

LOWEST_UID = 10_000
VOLUME_TYPES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}
SELINUX_TYPES = {"", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"}
SAFE_SYSCTLS = {
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.ping_group_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
}
CONFINED = {"RuntimeDefault", "Localhost"}
PROBES = ("livenessProbe", "readinessProbe", "startupProbe")


def violations(template: Mapping[str, Any]) -> list[str]:
    """What a pod template does that the restricted profile or our own rules forbid, one sentence each; empty is good."""
    spec: Mapping[str, Any] = template["spec"]
    found = [*_pod(spec)]
    for container in (*spec.get("initContainers", ()), *spec["containers"], *spec.get("ephemeralContainers", ())):
        said = (*_baseline(container), *_restricted(container, spec), *_ours(container, spec))
        found += [f"container {container['name']}: {sentence}" for sentence in said]
    return found


def _pod(spec: Mapping[str, Any]) -> Iterator[str]:
    context = spec.get("securityContext") or {}
    for shared in ("hostNetwork", "hostPID", "hostIPC"):
        if spec.get(shared):
            yield f"{shared} is set"
    for volume in spec.get("volumes", ()):
        if unknown := set(volume) - {"name"} - VOLUME_TYPES:
            yield f"volume {volume['name']} is of a forbidden type: {', '.join(sorted(unknown))}"
    for sysctl in context.get("sysctls", ()):
        if sysctl["name"] not in SAFE_SYSCTLS:
            yield f"sysctl {sysctl['name']} is not safe"
    if context.get("supplementalGroups") and 0 in context["supplementalGroups"]:
        yield "supplementalGroups holds root"
    if spec.get("automountServiceAccountToken") is not False:
        yield "the service account's token is mounted"
    if spec.get("hostAliases") or spec.get("hostname"):
        yield "the pod names hosts"
    yield from _context(context)


def _context(context: Mapping[str, Any]) -> Iterator[str]:
    """What a security context may not say, be it a pod's or a container's."""
    if (context.get("windowsOptions") or {}).get("hostProcess"):
        yield "it is a host process"
    selinux = context.get("seLinuxOptions") or {}
    if selinux.get("type", "") not in SELINUX_TYPES or selinux.get("user") or selinux.get("role"):
        yield "SELinux options are chosen"
    if (context.get("appArmorProfile") or {"type": "RuntimeDefault"})["type"] not in CONFINED:
        yield "AppArmor is off"
    if context.get("runAsNonRoot") is False:
        yield "it may run as root"


def _baseline(container: Mapping[str, Any]) -> Iterator[str]:
    context = container.get("securityContext") or {}
    yield from _context(context)
    if context.get("privileged"):
        yield "it is privileged"
    if context.get("procMount", "Default") != "Default":
        yield "its /proc is unmasked"
    if any(port.get("hostPort") for port in container.get("ports", ())):
        yield "it takes a port of the host"
    hooks = [*(container.get("lifecycle") or {}).values(), *(container[probe] for probe in PROBES if probe in container)]
    if any((hook.get(action) or {}).get("host") for hook in hooks for action in ("httpGet", "tcpSocket")):
        yield "a probe or hook names a host"


def _restricted(container: Mapping[str, Any], pod: Mapping[str, Any]) -> Iterator[str]:
    context, around = container.get("securityContext") or {}, pod.get("securityContext") or {}
    if context.get("allowPrivilegeEscalation") is not False:
        yield "privilege escalation is allowed"
    if not context.get("runAsNonRoot", around.get("runAsNonRoot")):
        yield "runAsNonRoot is not set"
    if (context.get("seccompProfile") or around.get("seccompProfile") or {}).get("type") not in CONFINED:
        yield "seccomp is not RuntimeDefault"
    capabilities = context.get("capabilities") or {}
    if "ALL" not in capabilities.get("drop", ()):
        yield "capabilities are not dropped"
    if set(capabilities.get("add", ())) - {"NET_BIND_SERVICE"}:
        yield "capabilities are added"


def _ours(container: Mapping[str, Any], pod: Mapping[str, Any]) -> Iterator[str]:
    """Beyond the standard: a UID that no host user has, and bounds on what is used. The CPU has no limit: throttling helps nobody."""
    context, around = container.get("securityContext") or {}, pod.get("securityContext") or {}
    for who in ("runAsUser", "runAsGroup"):
        if context.get(who, around.get(who, 0)) < LOWEST_UID:
            yield f"{who} is not at least {LOWEST_UID}"
    resources = container.get("resources") or {}
    if missing := {"cpu", "memory"} - set(resources.get("requests") or ()):
        yield f"it requests no {' and no '.join(sorted(missing))}"
    if "memory" not in (resources.get("limits") or {}):
        yield "its memory has no limit"
    if "readOnlyRootFilesystem" not in context:
        yield "nothing is said about its root file system"


__all__ = ["violations"]
