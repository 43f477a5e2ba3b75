"""`kubectl treadle logs KIND/NAME`: what the pods of an object print. kubectl itself fetches it; here is only said which pods."""

from treadle.api import names
from treadle.plan import Object

SELECTORS = {
    "AnnotationProject": f"{names.PROJECT}={{name}},{names.STAGE}",
    "TrainingRun": f"{names.RUN}={{name}}",
    "ModelDeployment": f"{names.DEPLOYMENT}={{name}}",
}


def selector_of(this: Object) -> str:
    """Which pods are an object's own."""
    return SELECTORS[this["kind"]].format(name=this["metadata"]["name"])


def kubectl_logs(this: Object, kubeconfig: str | None, *, context: str | None = None, follow: bool, tail: int) -> list[str]:
    """The kubectl command that prints the logs of all pods of an object, each line with its pod's name before it."""
    namespace = this["metadata"]["namespace"]
    chosen = [f"--{option}={value}" for option, value in (("kubeconfig", kubeconfig), ("context", context)) if value]
    shown = ["--all-containers", "--prefix", "--ignore-errors", "--max-log-requests=50", f"--tail={tail}", *(["--follow"] if follow else [])]
    return ["kubectl", *chosen, "logs", f"--namespace={namespace}", f"--selector={selector_of(this)}", *shown]
