"""MLflow fails in every way: its client says why, in bounded time, tells and sends its credentials to nobody else, and goes on afterwards."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.faults.cases import SESSION, Case, http_cases
from tests.faults.misdeeds import Fault, answers
from tests.faults.proxy import proxy
from treadle.connections import _http
from treadle.connections.installation import MlflowSettings
from treadle.connections.mlflow import Mlflow
from treadle.connections.registry import ModelAlias
from treadle.plan import Trouble

TOKEN = "token-of-the-operator"
QUESTION = ModelAlias(connection="mlflow/default", model="faults", alias="champion")
CASES = [case for case in http_cases("", {}) if case.faults or case.refused]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_a_question(case: Case, mlflow: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_http, "CALL_SECONDS", 2.0)
    (tmp_path / "token").write_text(TOKEN)
    with proxy("http://127.0.0.1:9") as elsewhere, proxy(mlflow) as standing:
        elsewhere.set(Fault(answers(200, "{}")))
        faults = next(each for each in http_cases(elsewhere.url, {}) if each.name == case.name).faults
        client = Mlflow(MlflowSettings(url=standing.url, token_file=str(tmp_path / "token")), lambda: datetime.now(UTC))
        standing.refuse() if case.refused else standing.set(*faults)
        with pytest.raises(Trouble) as trouble:
            await client.answer([QUESTION])
        assert trouble.value.condition.reason.name == case.reason
        assert standing.url in trouble.value.condition.message
        assert TOKEN not in trouble.value.condition.message
        assert SESSION not in trouble.value.condition.message
        assert elsewhere.heard == []
        standing.accept() if case.refused else standing.set()
        monkeypatch.setattr(_http, "CALL_SECONDS", 15.0)
        assert await client.answer([QUESTION]) == {QUESTION: None}
        await client.close()
