"""Which of the models that a run logged is the one it is about."""

from treadle.api import TrainingRunSpec
from treadle.api.reasons import Reason
from treadle.connections.tracking import LoggedModel, TrackingRun
from treadle.training.run import Waiting


def chosen_model(spec: TrainingRunSpec, tracked: TrackingRun) -> LoggedModel | Waiting:
    """The logged model of the wanted name, else the only name; a later attempt's replaces an earlier one's."""
    wanted = spec.registration.artifact if spec.registration else None
    models = [model for model in tracked.logged_models if wanted is None or model.name == wanted]
    logged = sorted({model.name for model in tracked.logged_models})
    if not models:
        which = f'no model named "{wanted}" (logged: {", ".join(logged) or "none"})' if wanted else "no model"
        remedy = "log one with mlflow.<flavour>.log_model(name=...)"
        if tracked.further:
            remedy = f"its program began another run by a second start_run ({tracked.further[0]}), whose models do not count"
        return Waiting(Reason.ModelNotLogged, f"the run logged {which}; {remedy}", stalled=True)
    if len({model.name for model in models}) > 1:
        return Waiting(
            Reason.ModelAmbiguous, f"the run logged several models: {', '.join(logged)}; set spec.register.artifact to one of them", stalled=True
        )
    return max(models, key=lambda model: (model.created, model.id))
