"""A change of champion whose process is killed is finished or undone."""

import multiprocessing
import signal
from pathlib import Path
from typing import Any

import pytest

from milk_assets.promotion.change_champion import carry_out, recover
from milk_assets.promotion.ledger.state import Change, rollback_change
from milk_assets_tests.promotion.conftest import MODEL, NO_CHANGE, OTHER
from milk_assets_tests.promotion.contexts import agreed_version, context_of, promotion, with_bundles
from milk_assets_tests.promotion.killed_process import die_at

STEPS = 7  # intent, bundle verified, two aliases, manifest, smoke test, applied


@pytest.fixture(scope="module")
def processes() -> Any:
    """A server of processes that have MLflow loaded; forking it costs milliseconds, importing MLflow seconds."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["mlflow.tracking", "milk_assets_tests.promotion.killed_process"])
    return context


@pytest.fixture(scope="module")
def registered(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A real registry with three versions."""
    folder = tmp_path_factory.mktemp("registry")
    uri = f"sqlite:///{folder / 'mlflow.db'}"
    client = context_of(str(folder), uri).registry.client()  # type: ignore[attr-defined]
    client.create_registered_model("milk-price")
    for _ in range(3):
        client.create_model_version("milk-price", source=folder.as_uri())
    return uri


@pytest.mark.integration
def test_a_change_whose_process_is_killed_between_any_two_steps_is_finished_or_undone(
    tmp_path: Path, processes: Any, registered: str
) -> None:
    """Promotion, rollback and fall-back, killed before each of their steps: 21 of 21 recover, and the next change goes through."""
    recovered = 0
    for action in ("promote", "rollback", "fall_back"):
        for step in range(STEPS):
            root = str(tmp_path / f"{action}{step}")
            context = with_bundles(context_of(root, registered))
            for alias in ("champion", "previous_champion"):
                context.registry.delete_alias(alias)
            carry_out(Change("first", NO_CHANGE, None, "nothing was served"), context)
            if action != "promote":
                carry_out(promotion(context), context)
            before = agreed_version(context)
            change = {
                "promote": promotion(context),
                "rollback": rollback_change(context.state(), "drill", None),
                "fall_back": Change("fall_back", NO_CHANGE, MODEL, "worse_than_no_change_twice"),
            }[action]
            assert change is not None
            process = processes.Process(target=die_at, args=(step, root, registered, change))
            process.start()
            process.join(60)
            assert process.exitcode == -signal.SIGKILL, (action, step)
            assert (context.state().open_intent is not None) == (step > 0), (action, step)
            ended = recover(context)
            was_replaced = step >= STEPS - 2
            assert (ended and ended.kind) == ("applied" if was_replaced else "aborted" if step else None), (action, step)
            assert agreed_version(context) == (change.to.version if was_replaced else before)
            carry_out(Change("promote", OTHER, context.state().champion, "the next one"), context)
            assert agreed_version(context) == 3
            recovered += 1
    assert recovered == 21
