"""What lifelines makes of the same lives: reads questions as JSON, prints answers. Run by `tools/with-lifelines`."""

from __future__ import annotations

import json
import sys
import warnings
from typing import Any

import numpy as np

warnings.simplefilter("ignore")  # of the libraries that lifelines brings

import pandas as pd  # type: ignore[import-untyped,unused-ignore]  # noqa: E402
from lifelines import CoxPHFitter, KaplanMeierFitter  # type: ignore[import-not-found,unused-ignore]  # noqa: E402
from lifelines.utils import median_survival_times  # type: ignore[import-not-found,unused-ignore]  # noqa: E402


def curve(asked: dict[str, Any]) -> dict[str, Any]:
    """Return the share left after each time of `at`, its bounds, and the median with its bounds."""
    fitted = KaplanMeierFitter().fit(asked["lasted"], asked["ended"], entry=asked.get("entered"))
    bounds = fitted.confidence_interval_survival_function_
    places = bounds.index.searchsorted(np.array(asked["at"]), side="right") - 1
    halves = median_survival_times(bounds).to_numpy()[0]
    return {
        "left": fitted.survival_function_at_times(asked["at"]).tolist(),
        "low": bounds.iloc[places, 0].tolist(),
        "high": bounds.iloc[places, 1].tolist(),
        "median": [fitted.median_survival_time_, *halves.tolist()],
    }


def ratio(asked: dict[str, Any]) -> dict[str, Any]:
    """Return the logarithm of the ratio and its robust error by cluster."""
    names = ("lasted", "ended", "entered", "first", "cluster", "stratum")
    frame = pd.DataFrame({name: asked[name] for name in names if name in asked})
    fitted = CoxPHFitter().fit(
        frame,
        "lasted",
        "ended",
        entry_col="entered" if "entered" in asked else None,
        cluster_col="cluster" if "cluster" in asked else None,
        strata=["stratum"] if "stratum" in asked else None,
        fit_options={"precision": 1e-11},
    )
    return {"log": float(fitted.params_["first"]), "error": float(fitted.standard_errors_["first"])}


if __name__ == "__main__":
    answers = {"curve": curve, "ratio": ratio}
    json.dump([answers[asked["what"]](asked) for asked in json.load(sys.stdin)], sys.stdout)
