import pytest

from dlnotes import records, sweeps


def test_grid_is_the_product_in_order():
    grid = sweeps.grid(a=[1, 2], b=["x", "y"])
    assert grid == [{"a": a, "b": b} for a in (1, 2) for b in ("x", "y")]


class Trainer:
    """Remembers the groups it was given."""

    def __init__(self):
        self.groups = []

    def __call__(self, group):
        self.groups.append(group)
        return [{"value": c["width"] * 10 + c["seed"]} for c in group]


GRID = sweeps.grid(width=[1, 2], seed=[0, 1, 2])


def test_equal_shapes_run_together_and_come_back_in_order():
    trainer = Trainer()
    shuffled = GRID[::-1]
    done = sweeps.run(shuffled, trainer, provenance={"device": "cpu"})
    assert [r.config for r in done] == shuffled
    assert [r.metrics["value"] for r in done] == [c["width"] * 10 + c["seed"] for c in shuffled]
    assert [{c["width"] for c in group} for group in trainer.groups] == [{2}, {1}]
    assert done[0].provenance["stack"] == 3
    assert done[0].provenance["device"] == "cpu"


def test_what_is_recorded_is_not_run_again(tmp_path):
    path = tmp_path / "runs.jsonl"
    first = sweeps.run(GRID[:4], Trainer(), path=path)
    trainer = Trainer()
    done = sweeps.run(GRID, trainer, path=path)
    assert done[:4] == first
    assert trainer.groups == [GRID[4:]]
    assert records.read(path) == done


def test_a_sweep_that_died_goes_on_where_it_was(tmp_path):
    path = tmp_path / "runs.jsonl"

    def dies(group):
        if group[0]["width"] == 2:
            raise RuntimeError("power cut")
        return Trainer()(group)

    with pytest.raises(RuntimeError, match="power cut"):
        sweeps.run(GRID, dies, path=path)
    trainer = Trainer()
    sweeps.run(GRID, trainer, path=path)
    assert trainer.groups == [GRID[3:]]
    assert len(records.read(path)) == len(GRID)


def test_bad_sweeps():
    with pytest.raises(ValueError, match=r"got twice: .'width': 1, 'seed': 0"):
        sweeps.run([*GRID, GRID[0]], Trainer())
    with pytest.raises(ValueError, match="got 0 for 3"):
        sweeps.run(GRID, lambda group: [])
