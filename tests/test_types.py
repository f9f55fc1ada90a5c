"""The shapes in the signatures are true: the numerical tests pass with every call checked."""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
MODULES = (
    *("networks/test_models.py", "networks/test_metrics.py", "networks/test_optimizers.py"),
    *("networks/test_backprop.py", "networks/test_products.py", "networks/test_training.py"),
    *("measures/test_curvature.py", "data/test_corruption.py", "data/test_datasets.py"),
)
# Bad input is meant to break the annotations; of the many sizes of a batch one is enough here.
LEFT_OUT = ("bad", "types", "even", "small", "one-batch", "own-data")


def test_annotated_shapes_hold_in_every_call():
    checked = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", "-m", "not data"),
            "--jaxtyping-packages=dlnotes,beartype.beartype",
            *("-k", " and ".join(f"not {name}" for name in LEFT_OUT)),
            *(str(HERE / name) for name in MODULES),
        ],
        capture_output=True,
        text=True,
        cwd=HERE.parent,
    )
    assert checked.returncode == 0, checked.stdout[-3000:]
    assert " passed" in checked.stdout
