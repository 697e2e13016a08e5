"""Contender: its identity, and the contract that a person must approve."""

from milk_assets.promotion.contender import contender_id, contract_is_unchanged, model_contract


def test_equal_hyperparameters_under_equal_code_are_the_same_contender() -> None:
    assert contender_id({"depth": 4, "seed": 7}, "code") == contender_id({"seed": 7, "depth": 4}, "code")
    assert contender_id({"depth": 4}, "code") != contender_id({"depth": 5}, "code")
    assert contender_id({"depth": 4}, "code") != contender_id({"depth": 4}, "other code")


def test_the_first_model_has_no_contract_to_keep() -> None:
    assert contract_is_unchanged(None, model_contract())


def test_a_contract_with_the_feature_names_of_the_previous_release_is_unchanged() -> None:
    contract = model_contract()
    earlier = {**contract, "features": ["room" if name == "discount_depth" else name for name in contract["features"]]}
    assert earlier != contract
    assert contract_is_unchanged(earlier, contract)


def test_a_missing_feature_or_another_family_changes_the_contract() -> None:
    contract = model_contract()
    assert not contract_is_unchanged({**contract, "features": contract["features"][1:]}, contract)
    assert not contract_is_unchanged({**contract, "family": "linear"}, contract)
    assert not contract_is_unchanged({"kind": "model"}, contract)
