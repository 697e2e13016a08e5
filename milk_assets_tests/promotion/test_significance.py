"""The Diebold-Mariano test: compared with a direct computation, by its error rate, and for extreme inputs."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from milk_assets.promotion.significance import better_than


def errors(values: object) -> pd.Series:
    array = np.asarray(values, dtype=float)
    return pd.Series(array, index=[f"2025-01-{day + 1:02d}" for day in range(len(array))])


def test_one_publication_ahead_it_is_a_t_test_with_the_small_sample_correction() -> None:
    random = np.random.default_rng(3)
    a, b = random.normal(1.0, 0.2, 26), random.normal(1.1, 0.2, 26)
    difference = a - b
    statistic = difference.mean() / np.sqrt(difference.var(ddof=0) / 26) * np.sqrt(25 / 26)
    assert better_than(errors(a), errors(b), 1) == pytest.approx(stats.t.cdf(statistic, 25))
    assert stats.ttest_1samp(difference, 0, alternative="less").pvalue == pytest.approx(better_than(errors(a), errors(b), 1))


def test_overlapping_forecasts_are_weaker_evidence() -> None:
    random = np.random.default_rng(5)
    smooth = np.convolve(random.normal(-0.05, 0.2, 31), np.ones(6) / 6, mode="valid")  # six at a time share five of six steps
    separate, overlapping = (
        better_than(errors(1 + smooth), errors(np.ones(26)), 1),
        better_than(errors(1 + smooth), errors(np.ones(26)), 6),
    )
    assert separate is not None
    assert overlapping is not None
    assert separate < overlapping


def test_equal_models_are_called_better_about_as_often_as_the_level_says() -> None:
    random = np.random.default_rng(11)
    passed = [better_than(errors(random.normal(1, 0.2, 26)), errors(random.normal(1, 0.2, 26)), 1) for _ in range(1000)]
    share = np.mean([value < 0.10 for value in passed if value is not None])
    assert 0.08 < share < 0.12


def test_equal_errors_are_not_better_and_always_smaller_errors_are() -> None:
    same = errors(np.ones(26))
    assert better_than(same, same, 3) == 0.5
    assert better_than(same + 0.25, same, 3) == 1.0
    assert better_than(same - 0.25, same, 3) == 0.0


@pytest.mark.parametrize(("dates", "lead"), [(0, 1), (1, 1), (6, 6), (13, 13)])
def test_too_few_dates_give_no_p_value(dates: int, lead: int) -> None:
    assert better_than(errors(np.zeros(dates)), errors(np.ones(dates)), lead) is None


def test_only_shared_dates_count() -> None:
    a, b = errors([1.0] * 26), errors([1.0] * 26)
    a.iloc[3] = np.nan
    assert better_than(a, b.drop(index=b.index[4]), 1) == 0.5
