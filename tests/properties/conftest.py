"""How long the properties are searched: a fixed sample in `make test`, the same one each time; at random and for long in `make properties`."""

import os

from hypothesis import HealthCheck, settings

COMMON = {"deadline": None, "suppress_health_check": list(HealthCheck), "print_blob": True}
settings.register_profile("sample", **COMMON, derandomize=True, max_examples=60, stateful_step_count=30)
settings.register_profile("long", **COMMON, max_examples=int(os.environ.get("EXAMPLES", "2000")), stateful_step_count=50)
settings.load_profile(os.environ.get("TREADLE_PROPERTIES", "sample"))
