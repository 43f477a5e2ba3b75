"""From what spec says of the model to one version: through the registry, a TrainingRun, or a URI."""

import re
from dataclasses import dataclass

from treadle.api import ModelDeploymentMemory, ModelDeploymentSpec, TrainingRunMemory, names, read_status
from treadle.api.common import DEFAULT_CONNECTION
from treadle.api.deployment_status import Revision
from treadle.api.reasons import Reason
from treadle.connections.installation import Granted, Installation, MlflowSettings, Refusal
from treadle.connections.registry import ModelAlias, ModelVersion, ModelVersionOf
from treadle.plan import Ref, Unavailable, World
from treadle.serving.target import Target, Unresolved, asked_of, target_of
from treadle.serving.unregistered import left_by

VERSION_NUMBER = re.compile(r"[1-9][0-9]{0,9}")


def registry_of(spec: ModelDeploymentSpec, namespace: str, installation: Installation) -> Granted[MlflowSettings] | Refusal | None:
    """The model registry that spec's model is in; None for a model named by URI."""
    return None if spec.model.uri else installation.mlflow(spec.model.connection or DEFAULT_CONNECTION, namespace)


@dataclass(frozen=True)
class Resolver:
    """Asks what must be asked, and words what comes back."""

    spec: ModelDeploymentSpec
    namespace: str
    granted: Granted[MlflowSettings] | Refusal | None
    world: World

    def champion(self) -> ModelVersion | Unavailable | None:
        """What the promoted alias points at.

        Raises:
            Unanswered: when it was never asked.
        """
        alias, model = self.spec.model.promotion_alias, self.promoted_model()
        if not alias or not model or not isinstance(self.granted, Granted):
            return None
        return self.world.ask(ModelAlias(connection=self.granted.key, model=model, alias=alias))

    def evidence(self, stable: Revision | None) -> ModelVersion | Unavailable | None:
        """The stable version with its tags, when an alias is there to be earned.

        Raises:
            Unanswered: when it was never asked.
        """
        model = self.promoted_model()
        if not model or not isinstance(self.granted, Granted) or stable is None or stable.model != model or not stable.version:
            return None
        return self.world.ask(ModelVersionOf(connection=self.granted.key, model=model, version=stable.version))

    def given_up(self, memory: ModelDeploymentMemory) -> ModelVersion | Unavailable | None:
        """The version that was refused last, as long as the registry is not known to say so.

        Raises:
            Unanswered: when it was never asked.
        """
        model, refused = self.promoted_model(), memory.refused[-1] if memory.refused else None
        if not model or refused is None or refused.tagged or not VERSION_NUMBER.fullmatch(refused.version) or not isinstance(self.granted, Granted):
            return None
        return self.world.ask(ModelVersionOf(connection=self.granted.key, model=model, version=refused.version))

    def promoted_model(self) -> str:
        """Full name of the model whose alias is moved, empty when none is. From spec and configuration alone: status and annotations are writable
        by tenants, and the operator's token reaches every tenant's models.
        """
        alias, name = self.spec.model.promotion_alias, self.spec.model.name
        return self._full(name, self.granted) if alias and name and isinstance(self.granted, Granted) else ""

    def target(self, pin: str) -> Target | Unresolved:
        """The version to serve; `pin` is the version that a person asked for instead, or empty.

        Raises:
            Unanswered: when the registry was never asked.
        """
        if self.spec.model.uri:
            return self._by_uri(self.spec.model.uri)
        if self.spec.model.run:
            return self._of_run(self.spec.model.run)
        match self.granted:
            case Granted() as granted:
                return self._registered(granted, pin)
            case Refusal(reason, message):
                return Unresolved(reason, message, stalled=True)
        raise AssertionError("a model without a URI is in a registry")

    def _by_uri(self, uri: str) -> Target:
        return Target(uri=uri, words=uri, asked=asked_of(self.spec))

    def _registered(self, granted: Granted[MlflowSettings], pin: str) -> Target | Unresolved:
        source = self.spec.model
        name = self._full(str(source.name), granted)
        if pin and not VERSION_NUMBER.fullmatch(pin):
            return Unresolved(Reason.ModelNotFound, f'the annotation {names.PIN} is "{pin[:40]}", which is no version number', stalled=True)
        if version := pin or source.version:
            words = f"{name} version {version}" + (" (pinned)" if pin else "")
            found = self.world.ask(ModelVersionOf(connection=granted.key, model=name, version=version))
            return self._told(found, words, granted, pinned=bool(pin), fixed=True)
        words = f"{name}@{source.followed_alias}"
        found = self.world.ask(ModelAlias(connection=granted.key, model=name, alias=str(source.followed_alias)))
        if found is None and isinstance(champion := self.champion(), ModelVersion):
            return self._told(champion, f"{name}@{source.promotion_alias}", granted)
        return self._told(found, words, granted)

    def _of_run(self, run: str) -> Target | Unresolved:
        made = self.world.get(Ref("TrainingRun", self.namespace, run))
        if made is None:
            return Unresolved(Reason.ModelNotFound, f"there is no TrainingRun {run}")
        memory = read_status(made, TrainingRunMemory)
        if (registered := memory.registered) is None:
            return left_by(run, made, memory, self.spec)
        granted = self.granted
        if not isinstance(granted, Granted):
            assert granted is not None, "a model without a URI is in a registry"
            return Unresolved(granted.reason, granted.message, stalled=True)
        if not registered.model.startswith(self._full("", granted)):
            return Unresolved(Reason.NotGranted, f"model {registered.model} of TrainingRun {run} does not belong to this namespace", stalled=True)
        found = self.world.ask(ModelVersionOf(connection=granted.key, model=registered.model, version=registered.version))
        return self._told(found, f"{registered.model} version {registered.version} (TrainingRun {run})", granted, fixed=True)

    def _told(
        self, found: ModelVersion | Unavailable | None, words: str, granted: Granted[MlflowSettings], *, pinned: bool = False, fixed: bool = False
    ) -> Target | Unresolved:
        """`fixed`: a version that is named and absent does not come by waiting."""
        match found:
            case Unavailable(_, reason, cause, stalled):
                return Unresolved(cause, reason, stalled=stalled, known=False)
            case None:
                return Unresolved(Reason.ModelNotFound, f"the registry has no {words}", stalled=fixed)
            case ModelVersion():
                told = words if fixed else f"{words} (version {found.version})"
                return target_of(found, told, self.spec, granted, pinned=pinned)

    @staticmethod
    def _full(name: str, granted: Granted[MlflowSettings]) -> str:
        return granted.settings.model_name(granted.namespace, name)
