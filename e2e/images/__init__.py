"""Build the container images of Treadle and of the demo's outside systems, with or without a Docker engine.

```python
images = build(["treadle-operator", "mlflow"], progress=print)
images["mlflow"].archive_path       # a docker-archive file, for `load-image`
```
Every image is cached by the content it is made from: a second call with nothing changed takes no time.
"""

from e2e.images._build import build, built, clean, reproduce
from e2e.images._image import Image, ImageError, Progress
from e2e.images._recipes import RECIPES, Recipe

__all__ = ["RECIPES", "Image", "ImageError", "Progress", "Recipe", "build", "built", "clean", "reproduce"]
