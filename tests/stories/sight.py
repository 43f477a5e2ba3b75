"""What GitOps tools see of an object, in every state that a story reaches: Argo CD by our Lua, Flux by kstatus and our CEL, must say the same.

With TREADLE_CAPTURE=folder each state that they tell apart is written there once, as the test data of the Lua.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import yaml

from tests.gitops import argo_health, flux_health, kstatus

CAPTURE = os.environ.get("TREADLE_CAPTURE")
AGREE = {
    ("Progressing", "InProgress"),
    ("Suspended", "InProgress"),
    ("Suspended", "Failed"),
    ("Suspended", "Current"),
    ("Degraded", "Failed"),
    ("Healthy", "Current"),
}
"""Argo CD's word and kstatus's that may be said of the same object; kstatus has none for what is suspended."""


def held(this: Any) -> None:
    """Hold what the tools see of an object against each other.

    Raises:
        AssertionError: if they do not agree, or one says nothing.
    """
    if "deletionTimestamp" in this["metadata"]:
        return  # Argo CD and kstatus say so themselves
    health = argo_health(this)
    assert (health["status"], kstatus(this)) in AGREE, f"Argo CD says {health}, kstatus says {kstatus(this)} of {this.get('status')}"
    assert flux_health(this) == kstatus(this), f"Flux says {flux_health(this)}, kstatus {kstatus(this)}"
    assert health["message"], "people are told why"
    if CAPTURE:
        _capture(this, health["status"])


def _capture(this: Any, health: str) -> None:
    status = this.get("status", {})
    reason = next((c["reason"] for c in status.get("conditions", ()) if c["type"] == "Ready"), "Unseen")
    words = re.sub(r"(?<!^)(?=[A-Z])", "_", f"{health}{status.get('phase', '')}{reason}").lower()
    path = Path(str(CAPTURE)) / this["kind"] / "testdata" / f"{words}.yaml"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(this, sort_keys=False, width=150, allow_unicode=True))
