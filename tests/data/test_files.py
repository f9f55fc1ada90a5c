"""Files: found, refused, fetched; every mirror here is a small server of this test."""

import errno
import hashlib
import http.server
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import threading
import time
from pathlib import Path

import pooch
import pytest

from dlnotes.data import downloads, files, registry

CONTENT = bytes(range(256)) * 1600  # 400 KiB, several chunks of the network
DEAD = "http://127.0.0.1:9"  # the discard port: refused at once


class Mirror(http.server.BaseHTTPRequestHandler):
    """Serves what ``server.content`` says, in the manner that ``server.manner`` says."""

    def do_HEAD(self):
        if self.server.manner == "deaf":
            self.server.sit_out()
        self.send_response(200)
        self.end_headers()

    def do_GET(self):
        server, name = self.server, self.path.rsplit("/", 1)[-1]
        asked = self.headers.get("Range")
        server.requests.append((name, asked))
        if server.manner == "missing":
            return self.send_error(404)
        if server.manner == "hangs":
            server.sit_out()
            return None
        body = server.content[name]
        if server.manner == "wrong":
            body = b"<html>log in first</html>".ljust(len(body))
        if server.manner == "endless":
            body = body * 5
        start = 0
        if asked and server.manner != "no range":
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
        self.send_response(206 if start else 200)
        if server.manner != "endless":
            self.send_header("Content-Length", str(len(body) - start))
        self.end_headers()
        stop = start + 150_000 if server.manner in ("breaks", "breaks once") else len(body)
        if server.manner == "breaks once":
            server.manner = "good"
        if server.manner == "slow":
            time.sleep(0.3)
        self.wfile.write(body[start:stop])
        return None

    def log_message(self, *args):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    sat_out = False

    def sit_out(self):
        """Be silent until the test ends, or for as long as no client should wait."""
        self.sat_out |= not self.released.wait(20)

    def handle_error(self, request, client_address):
        pass  # a client that hangs up is meant


@pytest.fixture
def serve():
    servers = []

    def start(manner, content):
        server = Server(("127.0.0.1", 0), Mirror)
        server.manner, server.content, server.requests = manner, content, []
        server.released = threading.Event()
        threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
        server.url = f"http://127.0.0.1:{server.server_port}/"
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.released.set()
        server.shutdown()
        server.server_close()


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def tiny(*mirrors, content=CONTENT, names=("a.gz", "b.gz")):
    """A registry of one set, whose files have the given content."""
    urls = {name: tuple(f"{mirror}{name}" for mirror in mirrors) for name in names}
    entries = tuple(
        registry.Entry(
            path=f"Tiny/raw/{name}", sha256=sha256(content), bytes=len(content), urls=urls[name]
        )
        for name in names
    )
    about = dict.fromkeys(("title", "license", "citation", "homepage"), "")
    return {"tiny": registry.Info(name="tiny", files=entries, **about)}


@pytest.fixture
def place(tmp_path, monkeypatch):
    """An empty world: a cache, no repository around, no DLNOTES_DATA, no proxy, short patience."""
    for name in ("DLNOTES_DATA", "DLNOTES_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(pooch, "os_cache", lambda name: tmp_path / "cache" / name)
    monkeypatch.setattr(downloads, "PATIENCE", 0.5)
    monkeypatch.setattr(downloads, "TIMEOUT", (0.5, 0.3))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def use(monkeypatch):
    """Replace the registry."""
    return lambda known: monkeypatch.setattr(registry, "registry", lambda: known)


def put(folder, content=CONTENT, names=("a.gz", "b.gz")):
    for name in names:
        target = folder / "Tiny" / "raw" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return folder


def leftovers(folder):
    return sorted(p.name for p in folder.rglob("*") if p.is_file() and p.suffix != ".lock")


# -- the registry ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", registry.names())
def test_registry_is_complete(name):
    about = registry.info(name)
    assert about.title
    assert about.license
    assert about.citation
    assert about.homepage.startswith("http")
    for entry in (*about.files, *about.downloads):
        assert len(bytes.fromhex(entry.sha256)) == 32
        assert entry.bytes > 0
        assert len(set(entry.urls)) >= 2
        assert all(url.startswith("http") for url in entry.urls)


def test_paths_are_those_of_torchvision():
    assert registry.info("mnist").files[0].path == "MNIST/raw/train-images-idx3-ubyte.gz"
    assert (
        registry.info("fashion-mnist").files[3].path == "FashionMNIST/raw/t10k-labels-idx1-ubyte.gz"
    )
    assert registry.info("cifar10").files[5].path == "cifar-10-batches-py/test_batch"
    assert {url.rsplit("/", 1)[1] for url in registry.info("cifar10").files[0].urls} == {
        "cifar-10-python.tar.gz"
    }


def test_misspelt_names_list_the_valid_ones():
    said = "'cifar-10'; did you mean 'cifar10'. Valid: mnist, fashion-mnist, cifar10"
    with pytest.raises(ValueError, match=said):
        registry.info("cifar-10")


# -- looking -----------------------------------------------------------------------------------


def test_folders_are_searched_in_order(place, use, monkeypatch):
    use(tiny(DEAD))
    assert files.locate(registry.info("tiny")) is None
    put(place / "cache" / "dlnotes")
    assert files.locate(registry.info("tiny")) == place / "cache" / "dlnotes"
    (place / "book").mkdir()
    (place / "_toc.yml").touch()
    monkeypatch.chdir(place / "book")
    put(place / "data")
    assert files.locate(registry.info("tiny")) == place / "data"
    monkeypatch.setenv("DLNOTES_DATA", str(put(place / "given")))
    assert files.locate(registry.info("tiny")) == place / "given"
    (place / "given/Tiny/raw/b.gz").unlink()
    assert files.locate(registry.info("tiny")) == place / "data", (
        "an incomplete folder is passed over"
    )


def test_contents_are_all_files_of_a_set(place, use):
    use(tiny(DEAD))
    put(place / "cache" / "dlnotes")
    assert files.contents(registry.info("tiny")) == {"a.gz": CONTENT, "b.gz": CONTENT}


def test_missing_set_says_where_it_looked_and_what_to_do(place, use):
    use(tiny(DEAD))
    with pytest.raises(files.MissingData, match=r"none of .*cache.*run: dlnotes data fetch tiny"):
        files.contents(registry.info("tiny"), download=False)


@pytest.mark.parametrize("spoil", [lambda c: c[:-1], lambda c: b"x" + c[1:], lambda c: b""])
def test_damaged_file_of_ours_is_deleted(place, use, spoil):
    use(tiny(DEAD))
    folder = put(place / "cache" / "dlnotes")
    damaged = folder / "Tiny/raw/a.gz"
    damaged.write_bytes(spoil(CONTENT))
    message = (
        f"a.gz is damaged.*{sha256(CONTENT)}, found {sha256(spoil(CONTENT))}; it was deleted, "
        "run: dlnotes data fetch tiny"
    )
    with pytest.raises(files.DamagedData, match=message):
        files.contents(registry.info("tiny"))
    assert not damaged.exists()
    assert leftovers(folder) == ["b.gz"]


def test_damaged_file_of_the_reader_is_refused_and_left(place, use, monkeypatch):
    use(tiny(DEAD))
    given = put(place / "given", content=b"other")
    monkeypatch.setenv("DLNOTES_DATA", str(given))
    with pytest.raises(files.DamagedData, match=r"left alone: delete it or unset DLNOTES_DATA"):
        files.contents(registry.info("tiny"))
    with pytest.raises(files.DamagedData, match=r"run: dlnotes data fetch tiny"):
        files.fetch(registry.info("tiny"))
    assert leftovers(given) == ["a.gz", "b.gz"]


def test_damage_is_seen_after_a_good_look(place, use):
    use(tiny(DEAD))
    where = put(place / "cache" / "dlnotes") / "Tiny/raw/a.gz"
    before = where.stat()
    files.contents(registry.info("tiny"))
    where.write_bytes(CONTENT[::-1])  # as long as before, and as old
    os.utime(where, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(files.DamagedData, match=r"a\.gz is damaged"):
        files.contents(registry.info("tiny"))


def test_check_reports_each_file_and_deletes_none(place, use):
    use(tiny(DEAD, names=("a.gz", "b.gz", "c.gz")))
    folder = put(place / "cache" / "dlnotes")
    (folder / "Tiny/raw/b.gz").write_bytes(b"half")
    good, bad, gone = files.check(registry.info("tiny"))
    assert (good.status, good.found) == ("ok", good.expected)
    assert (bad.status, bad.found) == ("damaged", sha256(b"half"))
    assert (gone.status, gone.found) == ("missing", None)
    assert leftovers(folder) == ["a.gz", "b.gz"]


# -- fetching ----------------------------------------------------------------------------------


def everything(content=CONTENT):
    return {"a.gz": content, "b.gz": content}


def test_fetch_brings_what_is_missing(place, use, serve, capsys):
    good = serve("good", everything())
    use(tiny(good.url))
    folder = files.fetch(registry.info("tiny"))
    assert folder == place / "cache" / "dlnotes" == files.locate(registry.info("tiny"))
    assert [report.status for report in files.check(registry.info("tiny"))] == ["ok", "ok"]
    (folder / "Tiny/raw/b.gz").unlink()
    good.requests.clear()
    files.fetch(registry.info("tiny"))
    files.fetch(registry.info("tiny"))
    assert good.requests == [("b.gz", None)]
    assert leftovers(folder) == ["a.gz", "b.gz"]
    assert capsys.readouterr() == ("", ""), "no bar where stderr is no terminal"


def test_fetch_repairs_a_damaged_file_and_says_so(place, use, serve):
    good = serve("good", everything())
    use(tiny(good.url))
    folder = put(place / "cache" / "dlnotes")
    (folder / "Tiny/raw/b.gz").write_bytes(b"half")
    said = []
    files.fetch(registry.info("tiny"), say=said.append)
    assert files.contents(registry.info("tiny"))["b.gz"] == CONTENT
    (line,) = said
    found = hashlib.sha256(b"half").hexdigest()
    for part in (
        "b.gz is damaged",
        found,
        registry.info("tiny").files[1].sha256,
        "data fetch tiny",
    ):
        assert part in line
    assert good.requests == [("b.gz", None)]


@pytest.mark.parametrize("manner", ["missing", "wrong", "hangs", "deaf", "breaks", "endless"])
def test_next_mirror_serves_where_one_fails(place, use, serve, manner):
    bad, good = serve(manner, everything()), serve("good", everything())
    use(tiny(bad.url, good.url))
    files.fetch(registry.info("tiny"))
    assert files.contents(registry.info("tiny"))["a.gz"] == CONTENT
    assert not bad.sat_out
    assert good.requests, "the second mirror was needed"
    assert leftovers(place) == ["a.gz", "b.gz"]


def test_broken_download_goes_on_where_it_stopped(place, use, serve):
    server = serve("breaks once", everything())
    use(tiny(server.url))
    files.fetch(registry.info("tiny"))
    assert files.contents(registry.info("tiny"))["a.gz"] == CONTENT
    first, second, third = server.requests
    assert (first, third) == (("a.gz", None), ("b.gz", None))
    assert 0 < int(second[1].removeprefix("bytes=").removesuffix("-")) <= 150_000


def test_what_an_earlier_run_left_is_used(place, use, serve):
    server = serve("good", everything())
    use(tiny(server.url))
    part = put(place / "cache" / "dlnotes", CONTENT[:1000], ["a.gz.part"]) / "Tiny/raw/a.gz.part"
    files.fetch(registry.info("tiny"))
    assert server.requests[0] == ("a.gz", "bytes=1000-")
    assert files.contents(registry.info("tiny"))["a.gz"] == CONTENT
    assert not part.exists()


@pytest.mark.parametrize("left", [CONTENT, CONTENT + b"more", b"<html>" * 10, CONTENT[:1000]])
@pytest.mark.parametrize("manner", ["good", "no range"])
def test_any_leftover_ends_in_the_right_file(place, use, serve, manner, left):
    use(tiny(serve(manner, everything()).url))
    put(place / "cache" / "dlnotes", left, ["a.gz.part"])
    files.fetch(registry.info("tiny"))
    assert files.contents(registry.info("tiny"))["a.gz"] == CONTENT


def test_server_that_ignores_the_range_is_asked_once(place, use, serve):
    server = serve("no range", everything())
    use(tiny(server.url))
    put(place / "cache" / "dlnotes", CONTENT[:1000], ["a.gz.part"])
    files.fetch(registry.info("tiny"))
    assert server.requests == [("a.gz", "bytes=1000-"), ("b.gz", None)]


def test_more_bytes_than_expected_are_not_stored(place, serve):
    server = serve("endless", everything())
    with pytest.raises(downloads.DownloadError, match="sent") as caught:
        downloads.download(
            [server.url + "a.gz"], place / "a.gz", sha256=sha256(CONTENT), size=len(CONTENT)
        )
    sent = int(str(caught.value).split("sent ")[1].split()[0])
    assert len(CONTENT) < sent <= len(CONTENT) + 2**16  # one chunk too many, of five times as much
    assert leftovers(place) == []


def test_all_mirrors_failing_names_each_with_its_reason(place, use, serve):
    mirrors = [serve(m, everything()).url for m in ("missing", "wrong", "hangs", "deaf")]
    use(tiny(*mirrors, DEAD + "/"))
    with pytest.raises(files.MissingData, match="tiny could not be fetched") as caught:
        files.fetch(registry.info("tiny"))
    for reason in ("HTTP status 404", "sent 409600 bytes", "no answer in time", "refused"):
        assert reason in str(caught.value)
    assert all(url in str(caught.value) for url in (*mirrors, DEAD))
    assert "DLNOTES_DATA" in str(caught.value)
    assert leftovers(place) == []
    assert files.locate(registry.info("tiny")) is None


def test_no_network_is_noticed_before_the_mirrors_give_up(place, use, monkeypatch):
    over, gave_up = threading.Event(), []
    monkeypatch.setattr(downloads.requests, "head", lambda *a, **k: gave_up.append(over.wait(20)))
    use(tiny("http://one.invalid/", "http://two.invalid/"))
    with pytest.raises(files.MissingData, match=r"one\.invalid.*no answer.*two\.invalid"):
        files.fetch(registry.info("tiny"))
    assert gave_up == []
    over.set()


def test_offline_refuses_at_once(place, use, serve, monkeypatch):
    server = serve("good", everything())
    use(tiny(server.url))
    monkeypatch.setenv("DLNOTES_OFFLINE", "1")
    with pytest.raises(files.MissingData, match="downloads are off here"):
        files.fetch(registry.info("tiny"))
    assert server.requests == []
    put(place / "cache" / "dlnotes")
    files.fetch(registry.info("tiny"))


def test_no_room_is_found_before_anything_is_written(place, use, serve, monkeypatch):
    server = serve("good", everything())
    use(tiny(server.url))
    full = type(shutil.disk_usage(place))(10, 10, 0)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: full)
    with pytest.raises(OSError, match=r"no room for tiny in .*free some space") as caught:
        files.fetch(registry.info("tiny"))
    assert caught.value.errno == errno.ENOSPC
    assert server.requests == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_disk_that_fills_up_leaves_no_file(place, use, serve):
    use(tiny(serve("good", everything()).url))
    raw = place / "cache/dlnotes/Tiny/raw"
    raw.mkdir(parents=True)
    (raw / "a.gz.part").symlink_to("/dev/full")
    with pytest.raises(OSError, match="no room for tiny") as caught:
        files.fetch(registry.info("tiny"))
    assert not isinstance(caught.value, files.MissingData)
    assert list(raw.iterdir()) == []


def test_cache_that_cannot_be_written_is_missing_data(place, use, serve):
    use(tiny(serve("good", everything()).url))
    (place / "cache").write_text("a file where the folder should be")
    with pytest.raises(files.MissingData, match="tiny cannot be stored in"):
        files.fetch(registry.info("tiny"))


def test_progress_bar_on_a_terminal_only_and_on_request(place, use, serve, monkeypatch):
    use(tiny(serve("good", everything()).url))

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    for progress in (False, True):
        terminal = Terminal()
        monkeypatch.setattr(sys, "stderr", terminal)
        files.fetch(registry.info("tiny"), progress=progress)
        assert ("a.gz: 100%" in terminal.getvalue()) == progress
        shutil.rmtree(place / "cache")


def test_two_processes_fetch_once(place, serve):
    server = serve("slow", everything())
    script = (
        "import json, sys, pooch, pathlib\n"
        "from dlnotes.data import files, registry\n"
        "url, digest, size, cache = sys.argv[1:]\n"
        "pooch.os_cache = lambda name: pathlib.Path(cache)\n"
        "entries = tuple(registry.Entry(path=n, sha256=digest, bytes=int(size), urls=(url + n,))\n"
        "                for n in ('a.gz', 'b.gz'))\n"
        "about = dict.fromkeys(('title', 'license', 'citation', 'homepage'), '')\n"
        "registry.registry = lambda: {'tiny': registry.Info(name='tiny', files=entries, **about)}\n"
        "print(files.fetch(registry.info('tiny')))\n"
    )
    arguments = [server.url, sha256(CONTENT), str(len(CONTENT)), str(place / "cache")]
    command = [sys.executable, "-c", script, *arguments]
    runs = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    outputs = [run.communicate(timeout=30)[0].strip() for run in runs]
    assert outputs == [str(place / "cache")] * 2
    assert server.requests == [("a.gz", None), ("b.gz", None)]


# -- archives ----------------------------------------------------------------------------------


def packed(members):
    """A tar.gz archive of the given members."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in members.items():
            header = tarfile.TarInfo(name)
            header.size = len(content)
            tar.addfile(header, io.BytesIO(content))
    return buffer.getvalue()


def archived(url, archive, members):
    """A registry of one set that comes as an archive."""
    urls = (url + "tiny.tar.gz",)
    return {
        "tiny": registry.Info(
            name="tiny",
            **dict.fromkeys(("title", "license", "citation", "homepage"), ""),
            archive=registry.Entry(
                path="tiny.tar.gz", sha256=sha256(archive), bytes=len(archive), urls=urls
            ),
            files=tuple(
                registry.Entry(path=name, sha256=sha256(content), bytes=len(content), urls=urls)
                for name, content in members.items()
            ),
        )
    }


MEMBERS = {"tiny-py/batch_1": b"one" * 1000, "tiny-py/batch_2": b"two" * 1000}


def test_archive_is_unpacked_checked_and_removed(place, use, serve):
    archive = packed({"../evil": b"!", **MEMBERS, "tiny-py/readme": b"not listed"})
    server = serve("breaks once", {"tiny.tar.gz": archive})
    use(archived(server.url, archive, MEMBERS))
    folder = files.fetch(registry.info("tiny"))
    assert leftovers(place) == ["batch_1", "batch_2"]
    assert files.contents(registry.info("tiny"))["batch_2"] == MEMBERS["tiny-py/batch_2"]
    assert files.fetch(registry.info("tiny")) == folder


def test_archive_that_is_there_is_not_fetched_again(place, use, serve):
    archive = packed(MEMBERS)
    server = serve("good", {"tiny.tar.gz": archive})
    use(archived(server.url, archive, MEMBERS))
    (place / "cache/dlnotes").mkdir(parents=True)
    (place / "cache/dlnotes/tiny.tar.gz").write_bytes(archive)
    files.fetch(registry.info("tiny"))
    assert server.requests == []
    assert leftovers(place) == ["batch_1", "batch_2"]


def test_wrong_member_is_refused(place, use, serve):
    archive = packed(MEMBERS | {"tiny-py/batch_2": b"altered"})
    use(archived(serve("good", {"tiny.tar.gz": archive}).url, archive, MEMBERS))
    with pytest.raises(files.MissingData, match=r"batch_2: sha256 is"):
        files.fetch(registry.info("tiny"))
    assert files.locate(registry.info("tiny")) is None


# -- the real sets -----------------------------------------------------------------------------


@pytest.mark.data
@pytest.mark.parametrize("name", ["mnist", "cifar10"])
def test_real_copies_agree_with_the_registry(name):
    if "DLNOTES_DATA" not in os.environ:
        pytest.skip("DLNOTES_DATA is not set")
    if files.locate(registry.info(name)) is None:
        pytest.skip(f"DLNOTES_DATA does not hold {name}")
    assert {report.status for report in files.check(registry.info(name))} == {"ok"}
    sizes = [report.path.stat().st_size for report in files.check(registry.info(name))]
    assert sizes == [entry.bytes for entry in registry.info(name).files]


def test_registry_file_is_plain_json():
    text = Path(registry.__file__).with_name("registry.json").read_text()
    assert list(json.loads(text)) == registry.names()
