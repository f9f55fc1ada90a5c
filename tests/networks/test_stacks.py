import pytest
import torch

from dlnotes.networks import stacks


def make(models):
    return {"weight": torch.arange(models * 6.0).view(models, 2, 3), "bias": torch.ones(models, 3)}


def test_stack_of_selections_is_the_original():
    whole = make(4)
    parts = [stacks.select(whole, i) for i in range(4)]
    again = stacks.stack(parts)
    assert all(torch.equal(again[name], whole[name]) for name in whole)


def test_select_takes_indices_and_masks_and_copies():
    whole = make(3)
    picked = stacks.select(whole, [2, 0])
    masked = stacks.select(whole, torch.tensor([True, False, True]))
    assert torch.equal(picked["weight"], whole["weight"][[2, 0]])
    assert torch.equal(masked["weight"], whole["weight"][[0, 2]])
    picked["weight"].zero_()
    assert whole["weight"][2].sum() > 0


def test_counts():
    assert (stacks.num_models(make(5)), stacks.num_parameters(make(5))) == (5, 9)
    averages = {"dense0.running_mean": torch.zeros(5, 4), "dense0.running_var": torch.ones(5, 4)}
    assert stacks.num_parameters(make(5) | averages) == 9


def test_unequal_shapes():
    with pytest.raises(ValueError, match="equal parameter shapes"):
        stacks.stack([make(1), {"weight": torch.zeros(1, 2, 4), "bias": torch.ones(1, 3)}])
    with pytest.raises(ValueError, match="one leading `models` axis"):
        stacks.num_models({"a": torch.zeros(2, 1), "b": torch.zeros(3, 1)})
