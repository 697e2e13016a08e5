"""Significance: whether one model's errors are smaller than another's by more than chance.

Belongs here: the Diebold-Mariano test with the small-sample correction of Harvey, Leybourne and Newbold. Not here: the thresholds
(`promotion.policy`) and the rules that use it (`promotion.gate`).
"""

import numpy as np
import pandas as pd


def better_than(challenger: pd.Series, champion: pd.Series, lead: int) -> float | None:
    """One-sided p-value of "the challenger's errors are not smaller": small if it is better, near 1 if it is worse.

    The variance is that of Newey and West with `lead` - 1 lags, because forecasts that far ahead overlap. The statistic has the
    correction of Harvey, Leybourne and Newbold (1997, International Journal of Forecasting 13, eq. 8) and is compared with Student's t
    with T - 1 degrees of freedom.

    Args:
        challenger: Mean absolute errors by date, MXN/l.
        champion: The same for the champion. Only dates that both have are used.
        lead: Publications ahead.

    Returns:
        The p-value; 0.5 if the errors never differ; None if fewer dates are shared than the correction needs.
    """
    from scipy.stats import t as student
    from statsmodels.stats.sandwich_covariance import S_hac_simple

    difference = (challenger - champion).dropna().to_numpy(dtype=float)
    number = len(difference)
    correction = number + 1 - 2 * lead + lead * (lead - 1) / number if number else 0.0
    if number < max(2, lead + 1) or correction <= 0:
        return None
    centred = difference - difference.mean()
    variance = float(S_hac_simple(centred[:, None], nlags=lead - 1)[0, 0]) / number**2
    if variance <= 0:
        return 0.5 if difference.mean() == 0 else float(difference.mean() > 0)
    statistic = difference.mean() / np.sqrt(variance) * np.sqrt(correction / number)
    return float(student.cdf(statistic, number - 1))
