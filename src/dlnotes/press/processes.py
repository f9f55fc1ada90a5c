"""Processes that execute a notebook: papermill with a kernel that is this very interpreter."""

import contextlib
import functools
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import psutil

from dlnotes.contract import THREADS

START_TIMEOUT = 120  # seconds a kernel may take to start on a busy machine
Process = subprocess.Popen[bytes]


@contextlib.contextmanager
def workplace(build: Path) -> Iterator[Path]:
    """Make a folder for the processes and their kernel's description; remove it in the end.

    Args:
        build: Where to make it.

    Yields:
        The folder.
    """
    build.mkdir(parents=True, exist_ok=True)
    for left in build.glob("work-*-*"):  # by a build that was killed
        if not psutil.pid_exists(int(left.name.split("-")[1])):
            shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(
        dir=build, prefix=f"work-{os.getpid()}-", ignore_cleanup_errors=True
    ) as name:
        kernel = Path(name) / "jupyter" / "kernels" / "python3"
        kernel.mkdir(parents=True)
        launch = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        spec = {"argv": launch, "display_name": "Python 3", "language": "python"}
        spec["env"] = {"TMPDIR": tempfile.gettempdir()}  # the lecture's; sockets need a short path
        (kernel / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")
        yield Path(name)


def start(
    place: Path, folder: Path, root: Path, parameters: dict[str, str], cell_timeout: int
) -> Process:
    """Start papermill on ``in.ipynb`` of a folder; it leaves ``out.ipynb`` and ``log.txt`` there.

    Args:
        place: The `workplace`.
        folder: A folder in it.
        root: Working directory of the kernel.
        parameters: Handed to the notebook as text.
        cell_timeout: Seconds a cell may take.

    Returns:
        The process, leader of a session of its own.
    """
    command = [sys.executable, "-m", "papermill", "in.ipynb", "out.ipynb", "--kernel", "python3"]
    command += ["--no-progress-bar", "--no-log-output", "--cwd", str(root)]
    command += ["--execution-timeout", str(cell_timeout), "--start-timeout", str(START_TIMEOUT)]
    for name, value in parameters.items():
        command += ["--parameters_raw", name, value]
    with (folder / "log.txt").open("wb") as log:
        return subprocess.Popen(
            command,
            cwd=folder,
            env=_environment(place, folder),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def kill_trees(processes: Iterable[Process]) -> None:
    """Kill processes and everything they started; a kernel sits in a session of its own.

    All are killed before any is waited for, and no interrupt comes in between.
    """
    processes = list(processes)
    with _undisturbed():
        families = [member for process in processes for member in _family(process.pid)]
        for member in families:
            with contextlib.suppress(psutil.NoSuchProcess):
                member.kill()
        for process in processes:
            process.wait()
        psutil.wait_procs(families, timeout=5)


@functools.cache
def device_kind() -> str:
    """Return "cuda" if torch sees a GPU, else "cpu"; torch is asked only where a driver is."""
    if not (shutil.which("nvidia-smi") or Path("/proc/driver/nvidia/version").exists()):
        return "cpu"
    ask = "import torch; print('cuda' if torch.cuda.is_available() else 'cpu')"
    answer = subprocess.run(
        [sys.executable, "-c", ask], capture_output=True, text=True, check=False
    )
    return "cuda" if answer.stdout.strip() == "cuda" else "cpu"


def _family(pid: int) -> list[psutil.Process]:
    """Return a process and everything it started; nothing if it is gone."""
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Ignore interrupts meanwhile."""
    names = [name for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {name: signal.signal(getattr(signal, name), signal.SIG_IGN) for name in names}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(getattr(signal, name), handler)


def _environment(place: Path, folder: Path) -> dict[str, str]:
    """Return the kernel's environment: repeatable, offline, without the user's IPython settings."""
    paths = [str(place / "jupyter"), *filter(None, [os.environ.get("JUPYTER_PATH")])]
    return os.environ | {
        "JUPYTER_PATH": os.pathsep.join(paths),
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
        "TMPDIR": str(folder),  # papermill's: it has the connection file there
        "IPYTHONDIR": str(folder / "ipython"),
        "OMP_NUM_THREADS": str(THREADS),
        "MKL_NUM_THREADS": str(THREADS),
        "PYTHONHASHSEED": "0",
        "DLNOTES_OFFLINE": "1",
    }
