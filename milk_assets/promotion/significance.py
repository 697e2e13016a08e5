"""Significance: whether one model's errors are smaller than another's by more than chance.

Belongs here: the Diebold-Mariano test in Harvey, Leybourne and Newbold's small-sample form. What follows from it is the gate's business.
"""

import numpy as np
import pandas as pd


def better_than(challenger: pd.Series, champion: pd.Series, lead: int) -> float | None:
    """One-sided p-value of "the challenger's errors are no smaller": small where it is better, near 1 where it is worse.

    challenger, champion: mean absolute errors by date, MXN/l, of forecasts `lead` publications ahead; only shared dates count.
    The variance is Newey and West's with `lead` - 1 lags, since forecasts that far ahead overlap; the statistic has Harvey,
    Leybourne and Newbold's correction and Student's t with T - 1 degrees of freedom (1997, International Journal of Forecasting
    13, eq. 8). 0.5 where the two never differ: neither better nor worse. None where fewer dates are shared than the correction needs.
    """
    from scipy.stats import t as student
    from statsmodels.stats.sandwich_covariance import S_hac_simple

    difference = (challenger - champion).dropna().to_numpy(dtype=float)
    number = len(difference)
    shrink = number + 1 - 2 * lead + lead * (lead - 1) / number if number else 0.0
    if number < max(2, lead + 1) or shrink <= 0:
        return None
    centred = difference - difference.mean()
    variance = float(S_hac_simple(centred[:, None], nlags=lead - 1)[0, 0]) / number**2
    if variance <= 0:
        return 0.5 if difference.mean() == 0 else float(difference.mean() > 0)
    statistic = difference.mean() / np.sqrt(variance) * np.sqrt(shrink / number)
    return float(student.cdf(statistic, number - 1))
