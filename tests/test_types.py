"""The shapes in the signatures are true: the numerical rooms are checked in every test."""

import jaxtyping
import pytest
import torch

from dlnotes.networks import metrics

LOGITS, LABELS = torch.zeros(2, 5, 3), torch.zeros(2, 4, dtype=torch.int64)


def test_a_wrong_shape_is_caught():
    with pytest.raises(jaxtyping.TypeCheckError, match="accuracy"):
        metrics.accuracy(LOGITS, LABELS)


@pytest.mark.untyped
def test_bad_input_may_be_passed_on_purpose():
    with pytest.raises(RuntimeError, match="size of tensor"):
        metrics.accuracy(LOGITS, LABELS)
