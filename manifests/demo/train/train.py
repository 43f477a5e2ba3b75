"""A training script as its author would write it: reads a folder, trains, logs to MLflow. It knows nothing of Kubernetes, nor of Treadle but its
environment variables: TREADLE_DATASET_DIR (the dataset) and TREADLE_PARAM_* (the run's parameters).
"""

import json
import os
import warnings
from pathlib import Path

import mlflow
import numpy as np
import sklearn
import skops
from mlflow.models import infer_signature
from PIL import Image
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

SIDE = 8
STEPS = 10
ITERATIONS_PER_STEP = 15


def read(directory: Path) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Pixels and labels of each split: grey, 8 by 8, one row per image."""
    splits: dict[str, tuple[list[np.ndarray], list[str]]] = {}
    for line in (directory / "items.jsonl").read_text().splitlines():
        item = json.loads(line)
        with Image.open(directory / item["path"]) as image:
            pixels = np.asarray(image.convert("L").resize((SIDE, SIDE)), dtype=np.float64).ravel()
        rows, labels = splits.setdefault(item["split"], ([], []))
        rows.append(pixels)
        labels.append(item["label"]["label"])
    return {split: (np.array(rows), np.array(labels)) for split, (rows, labels) in splits.items()}


def main() -> None:
    """Train on `train`, follow the progress on `validation`, measure on `test`, log the model."""
    c = float(os.environ.get("TREADLE_PARAM_C", "10"))
    splits = read(Path(os.environ["TREADLE_DATASET_DIR"]))
    pixels, labels = splits["train"]
    model = make_pipeline(MinMaxScaler(), LogisticRegression(C=c, max_iter=ITERATIONS_PER_STEP, warm_start=True))
    warnings.simplefilter("ignore", ConvergenceWarning)  # each step is a part of the way only

    with mlflow.start_run():
        mlflow.log_param("C", c)
        for step in range(1, STEPS + 1):
            model.fit(pixels, labels)
            progress = {f"{split}_accuracy": accuracy_score(truth, model.predict(rows)) for split, (rows, truth) in splits.items() if split != "test"}
            mlflow.log_metrics(progress, step=step)
            print(f"step {step}/{STEPS}: " + ", ".join(f"{name} {value:.3f}" for name, value in progress.items()), flush=True)

        rows, truth = splits["test"]
        found = model.predict(rows)
        metrics = {"accuracy": accuracy_score(truth, found), "f1": f1_score(truth, found, average="macro"), "test_items": float(len(truth))}
        mlflow.log_metrics(metrics)
        print(f"test: {metrics}", flush=True)
        mlflow.sklearn.log_model(
            model,
            name="model",
            serialization_format="skops",
            signature=infer_signature(pixels[:5], model.predict(pixels[:5])),
            metadata={"treadle.input": f"image/grayscale/{SIDE}x{SIDE}"},
            pip_requirements=[f"scikit-learn=={sklearn.__version__}", f"skops=={skops.__version__}"],
        )


if __name__ == "__main__":
    main()
