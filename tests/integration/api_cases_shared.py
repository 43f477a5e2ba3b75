"""Bad values of the blocks that several kinds share; each table is made for the path where its block stands."""

# ruff: noqa: E501 - tables are read across

from tests.integration.api_server import Case

QUANTITY = "should match '^[0-9]"


def access_cases(path: str) -> list[Case]:
    """Cases of an `access` block."""
    return [
        Case(
            "a store without credentials",
            {path: {"stores": [{"prefix": "s3://a-"}]}},
            "set secret, connection or both",
            {path: {"stores": [{"prefix": "s3://a-", "secret": "a"}]}},
        ),
        Case("a store prefix that is no URI", {path: {"stores": [{"prefix": "clinic", "secret": "a"}]}}, "should match '^(s3|gs|az|abfss|pvc)://"),
        Case("a namespace in a reference", {path: {"serviceAccountName": "a", "namespace": "other"}}, "unknown field"),
        Case(
            "the same store twice",
            {path: {"stores": [{"prefix": "s3://a-", "secret": "a"}, {"prefix": "s3://a-", "secret": "b"}]}},
            "Duplicate value",
        ),
    ]


def resources_cases(path: str) -> list[Case]:
    """Cases of a `resources` block."""
    return [
        Case("a GPU model without a GPU", {path: {"gpuProduct": "NVIDIA-A100"}}, "gpuProduct needs gpu", {path: {"gpu": 1, "gpuProduct": "NVIDIA-A100"}}),
        Case("a GPU model of a vendor without labels", {path: {"gpu": 1, "gpuResource": "habana.ai/gaudi", "gpuProduct": "Gaudi3"}},
             "for other vendors, set nodeSelector", {path: {"gpu": 1, "gpuResource": "amd.com/gpu", "gpuProduct": "AMD_Instinct_MI300X_OAM"}}),
        Case("a GPU resource without a GPU", {path: {"gpu": 0, "gpuResource": "amd.com/gpu"}}, "gpuResource needs gpu",
             {path: {"gpu": 1, "gpuResource": "amd.com/gpu"}}),
        Case("half a GPU", {path: {"gpu": 0.5}}, "must be of type integer"),
        Case("memory with an unknown unit", {path: {"memory": "4GB"}}, QUANTITY, {path: {"memory": "4Gi"}}),
        Case("negative CPUs", {path: {"cpu": -1}}, "should be greater than or equal to 0", {path: {"cpu": 1}}),
    ]  # fmt: skip


def scheduling_cases(path: str) -> list[Case]:
    """Cases of `nodeSelector` and `tolerations`; `path` ends with a dot."""
    return [
        Case("a label key with a space", {f"{path}nodeSelector": {"a b": "c"}}, "correct the key", {f"{path}nodeSelector": {"a/b": "c"}}),
        Case("a label value with a slash", {f"{path}nodeSelector": {"a": "b/c"}}, "nodeSelector.a"),
        Case("a toleration of a value whatever it is", {f"{path}tolerations": [{"key": "a", "operator": "Exists", "value": "b"}]}, "remove value: operator",
             {f"{path}tolerations": [{"key": "a", "operator": "Exists"}]}),
        Case("a toleration of nothing", {f"{path}tolerations": [{"effect": "NoSchedule"}]}, "set key, or operator: Exists",
             {f"{path}tolerations": [{"operator": "Exists"}]}),
    ]  # fmt: skip


def environment_cases(path: str) -> list[Case]:
    """Cases of an `env` list."""
    return [
        Case("a variable without a value", {path: [{"name": "A"}]}, "set exactly one of value, secret or configMap", {path: [{"name": "A", "value": ""}]}),
        Case("a variable with two values", {path: [{"name": "A", "value": "b", "secret": "s", "key": "k"}]}, "set exactly one of value, secret or configMap",
             {path: [{"name": "A", "secret": "s", "key": "k"}]}),
        Case("a Secret without its key", {path: [{"name": "A", "secret": "s"}]}, "set key together with secret or configMap",
             {path: [{"name": "A", "configMap": "s", "key": "k"}]}),
        Case("one of our variables", {path: [{"name": "TREADLE_JOB", "value": "x"}]}, "are set by Treadle", {path: [{"name": "MLFLOW_RUN_IDS", "value": ""}]}),
        Case("a number as a value", {path: [{"name": "A", "value": 1}]}, "must be of type string"),
    ]  # fmt: skip


def name_cases() -> list[Case]:
    """Cases of `metadata.name`."""
    return [
        Case("a name of 41 characters", {"metadata.name": "a" * 41}, "choose another metadata.name", {"metadata.name": "a" * 40}),
        Case("a name that begins with a digit", {"metadata.name": "7shelf"}, "choose another metadata.name", {"metadata.name": "shelf7"}),
        Case("a name with a dot", {"metadata.name": "shelf.v1"}, "choose another metadata.name"),
    ]
