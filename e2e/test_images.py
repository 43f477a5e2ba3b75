"""Building an image for real, as root with buildah or with a Docker engine."""

import json
import tarfile

from e2e.images import build

NAME = "treadle-operator"


def test_an_unchanged_image_comes_from_the_cache() -> None:
    first = build([NAME], progress=lambda line: None)[NAME]
    said: list[str] = []
    again = build([NAME], progress=said.append)[NAME]
    assert again == first
    assert said == []


def test_an_archive_holds_its_tag_and_an_image_that_runs_as_nobody() -> None:
    image = build([NAME], progress=lambda line: None)[NAME]
    with tarfile.open(image.archive_path) as tar:
        file = tar.extractfile("manifest.json")
        assert file
        (manifest,) = json.load(file)
        assert manifest["RepoTags"] == [image.tag]
        file = tar.extractfile(manifest["Config"])
        assert file
        config = json.load(file)["config"]
    assert config["User"] == "10001:10001"
    assert config["Entrypoint"] == ["python", "-m", "treadle.main"]
