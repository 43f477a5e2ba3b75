"""Work in serving pods: `python -m treadle.runtime` serves one model over the Open Inference Protocol v2 and MLflow's `/invocations`.

A process serves one model version for ever; another version is another pod. It needs no network but its own ports: the model was put beside it by
an init container.
"""
