"""scikit-learn: autologging, and a model that is kept without pickle. It knows nothing of Treadle but the parameter in its environment."""

import os

import mlflow
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

pixels, labels = load_digits(return_X_y=True)
seen, unseen, truth, expected = train_test_split(pixels, labels, random_state=1)

mlflow.sklearn.autolog(log_models=False)
with mlflow.start_run():
    model = make_pipeline(MinMaxScaler(), LogisticRegression(C=float(os.environ.get("TREADLE_PARAM_C", "1")), max_iter=300)).fit(seen, truth)
    mlflow.log_metric("accuracy", accuracy_score(expected, model.predict(unseen)))
    signature = mlflow.models.infer_signature(seen[:5], model.predict(seen[:5]))
    mlflow.sklearn.log_model(model, name="model", signature=signature, serialization_format="skops", pip_requirements=["scikit-learn", "skops"])
