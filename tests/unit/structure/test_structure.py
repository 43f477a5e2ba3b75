"""The shape of the repository that other things rely on."""

import operator
import re
import subprocess
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def test_the_standard_librarys_operator_is_the_one_that_is_imported() -> None:
    assert Path(str(operator.__file__)).parent == Path(sysconfig.get_paths()["stdlib"])
    assert not (ROOT / "operator" / "__init__.py").exists()


def tracked(*patterns: str) -> list[Path]:
    listed = subprocess.run(["git", "ls-files", *patterns], cwd=ROOT, capture_output=True, text=True, check=True, timeout=30).stdout
    return [ROOT / line for line in listed.splitlines() if (ROOT / line).is_file()]


def test_python_files_stay_small() -> None:
    long = {str(path.relative_to(ROOT)): n for path in tracked("operator/*.py") if (n := len(path.read_text().splitlines())) > 400}
    assert long == {}


def test_locks_name_no_host_and_hash_everything() -> None:
    for path in tracked("*requirements*.txt"):
        text = path.read_text()
        assert "://" not in text, path
        pinned = re.findall(r"^[A-Za-z0-9][^\s=]*==", text, re.MULTILINE)
        assert pinned, path
        assert text.count("--hash=sha256:") >= len(pinned), path


def test_no_binary_is_committed() -> None:
    binary = [path for path in tracked() if path.suffix not in {".png", ".gz"} and b"\0" in path.read_bytes()[:8000]]
    assert binary == []
