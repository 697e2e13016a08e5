"""Shadow record: how a challenger's live forecasts did next to the champion's.

Belongs here: the comparison, as a pure function of the track record. Whether it suffices is rule P7 of `promotion.gate`.
"""

from collections.abc import Collection

import pandas as pd


def shadow_error_ratio(record: pd.DataFrame, challenger_versions: Collection[str]) -> float | None:
    """Live error of a challenger over the champion's, city series, one publication ahead; None where they share no forecast.

    Args:
        record: Track record, one row per issued forecast whose date was published.
        challenger_versions: Registry versions of the contender, as text.
    """
    next_publication = record[(record.task == "publication") & (record.lead == 1) & (record.level == "city")]
    errors = next_publication.assign(error=(next_publication.forecast - next_publication.actual).abs())
    challenger = errors[(errors.role == "challenger") & errors.model_version.isin(set(challenger_versions))]
    champion = errors[errors.role == "champion"]
    paired = challenger.merge(champion, on=["origin", "target", "series"], suffixes=("", "_champion"))
    champion_error = float(paired.error_champion.sum())
    return float(paired.error.sum()) / champion_error if champion_error > 0 else None
