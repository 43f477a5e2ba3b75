"""XGBoost: one metric per round, so that the run shows how far it is; stopped early when it learns nothing more."""

import os

import mlflow
import xgboost
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split

ROUNDS = int(os.environ.get("TREADLE_PARAM_ROUNDS", "50"))


class Progress(xgboost.callback.TrainingCallback):
    """Logs the latest metrics after each round."""

    def after_iteration(self, model: xgboost.Booster, epoch: int, evals_log: dict[str, dict[str, list[float]]]) -> bool:
        """Log; never stop."""
        mlflow.log_metrics({f"{split}_{name}": values[-1] for split, metrics in evals_log.items() for name, values in metrics.items()}, step=epoch)
        return False


features, malignant = load_breast_cancer(return_X_y=True)
seen, unseen, truth, expected = train_test_split(features, malignant, random_state=1)
train, validation = xgboost.DMatrix(seen, truth), xgboost.DMatrix(unseen, expected)
settings = {"objective": "binary:logistic", "eval_metric": ["auc", "error"], "max_depth": 3, "nthread": 2, "seed": 1}

with mlflow.start_run():
    mlflow.log_params(settings)
    watched = [(train, "train"), (validation, "validation")]
    model = xgboost.train(settings, train, ROUNDS, evals=watched, early_stopping_rounds=10, callbacks=[Progress()], verbose_eval=False)
    mlflow.log_metric("accuracy", float(((model.predict(validation) > 0.5) == expected).mean()))
    mlflow.xgboost.log_model(model, name="model", pip_requirements=["xgboost"])
