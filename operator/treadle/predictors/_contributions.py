"""What boosted trees tell of each column, per class, as what each column contributed to one decision."""

import numpy as np
from numpy.typing import NDArray


def of_decision(by_class: NDArray[np.float64], decided: int) -> NDArray[np.float64]:
    """The contributions to the class `decided`. Of two classes only the second one's are told: what speaks for it speaks against the first."""
    if len(by_class) > 1:
        return np.asarray(by_class[decided])
    return np.asarray(by_class[0] if decided else -by_class[0])
