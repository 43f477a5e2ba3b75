"""etcd, API server and controller manager: the command lines, and the keys and files they read."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from e2e.cluster import kubeconfig, pki, places
from e2e.cluster.layout import KUBERNETES_SERVICE, SERVICES, Layout, Mode


def prepare(layout: Layout, audited: Mapping[str, Any]) -> pki.Authority:
    """Makes the authority, everybody's certificates and kubeconfigs, and the audit policy."""
    authority = pki.Authority(layout.pki)
    names = ["localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"]
    authority.issue("apiserver", "kube-apiserver", serves=[*names, layout.address, "127.0.0.1", KUBERNETES_SERVICE])
    authority.issue("kubelet-client", "kube-apiserver-kubelet-client", ["system:masters"])
    pki.signing_keys(layout.pki)
    places.write(layout.directory / "audit-policy.json", json.dumps(audited))
    user(layout, "admin", ["system:masters"], path=layout.kubeconfig)
    user(layout, "system:kube-controller-manager")
    layout.logs.mkdir(exist_ok=True)
    return authority


def user(layout: Layout, name: str, groups: list[str] | None = None, *, path: Path | None = None) -> Path:
    """A kubeconfig for user `name` in `groups`; what it may do is up to RBAC."""
    file = file_name(name, groups)
    certificate, key = pki.Authority(layout.pki).issue(file, name, groups or [])
    place = path or layout.directory / "users" / file
    return kubeconfig.with_certificate(
        place, cluster=layout.name, server=layout.server, authority=layout.pki / "ca.crt", certificate=certificate, key=key
    )


def file_name(user_name: str, groups: list[str] | None = None) -> str:
    """The file that keeps a user's certificate; different users never share one."""
    return "+".join(quote(word, safe="") for word in [user_name, *(groups or [])])


def etcd(layout: Layout, program: Path) -> list[str]:
    """The store. It never waits for the disk: a cluster that lives for a test needs no safety against power cuts."""
    client, peer = f"http://127.0.0.1:{layout.etcd_port}", f"http://127.0.0.1:{layout.peer_port}"
    return [
        str(program),
        "--name=local",
        f"--data-dir={layout.directory / 'etcd'}",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=local={peer}",
        "--unsafe-no-fsync",
        "--log-level=warn",
    ]


def api_server(layout: Layout, program: Path) -> list[str]:
    """The API server, with RBAC, verified certificates both ways and an audit log."""
    full = layout.mode is Mode.FULL
    keys = layout.pki
    # The endpoint of the `kubernetes` Service may not be a loopback address; without pods nobody asks for it.
    mode = ["--bind-address=0.0.0.0"] if full else ["--bind-address=127.0.0.1", "--endpoint-reconciler-type=none"]
    return [
        str(program),
        *mode,
        f"--advertise-address={layout.address}",
        f"--secure-port={layout.api_port}",
        f"--etcd-servers=http://127.0.0.1:{layout.etcd_port}",
        f"--tls-cert-file={keys / 'apiserver.crt'}",
        f"--tls-private-key-file={keys / 'apiserver.key'}",
        f"--client-ca-file={keys / 'ca.crt'}",
        f"--cert-dir={keys}",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        "--anonymous-auth=false",
        "--allow-privileged=true",
        f"--service-cluster-ip-range={SERVICES}",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={keys / 'service-accounts.pub'}",
        f"--service-account-signing-key-file={keys / 'service-accounts.key'}",
        f"--kubelet-certificate-authority={keys / 'ca.crt'}",
        f"--kubelet-client-certificate={keys / 'kubelet-client.crt'}",
        f"--kubelet-client-key={keys / 'kubelet-client.key'}",
        "--kubelet-preferred-address-types=InternalIP",
        f"--audit-policy-file={layout.directory / 'audit-policy.json'}",
        f"--audit-log-path={layout.audit_log}",
        "--audit-log-maxsize=4096",
        "--profiling=false",
    ]


def controller_manager(layout: Layout, program: Path) -> list[str]:
    """Every controller, each with its own ServiceAccount as in a real cluster."""
    own = layout.directory / "users" / file_name("system:kube-controller-manager")
    return [
        str(program),
        f"--kubeconfig={own}",
        f"--authentication-kubeconfig={own}",
        f"--authorization-kubeconfig={own}",
        "--secure-port=0" if layout.mode is Mode.CONTROL_PLANE else "--bind-address=127.0.0.1",
        f"--cert-dir={layout.pki}",
        "--leader-elect=false",
        # Its usual politeness towards the API server costs five seconds at the start.
        "--kube-api-qps=500",
        "--kube-api-burst=1000",
        "--use-service-account-credentials=true",
        f"--service-account-private-key-file={layout.pki / 'service-accounts.key'}",
        f"--root-ca-file={layout.pki / 'ca.crt'}",
        f"--cluster-signing-cert-file={layout.pki / 'ca.crt'}",
        f"--cluster-signing-key-file={layout.pki / 'ca.key'}",
        "--profiling=false",
    ]
