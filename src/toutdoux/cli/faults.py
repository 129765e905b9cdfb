"""What goes wrong with the database, in one sentence each."""

from __future__ import annotations

import sqlite3

from toutdoux.core.words import Refusal, say

from .speech import Problem


def problem_of(error: Exception) -> Problem | None:
    """What a person can be told of an error; None if it is a fault of the program itself."""
    from django.db import Error

    from toutdoux.scenario import ScenarioError

    if isinstance(error, ScenarioError):
        where = error.file or ""
        if error.line is not None:
            where += f":{error.line}"
        return Problem(error.why, error.remedy, where, error.zone)
    if isinstance(error, Refusal):
        return Problem(error.why, error.remedy)
    if isinstance(error, Error):
        return problem_of_database(error)
    return None


def problem_of_database(error: Exception) -> Problem | None:
    """What the database refused; None if what it was asked for makes no sense.

    No sentence holds the address of the database, nor anything else a password might be in.
    """
    cause = error.__cause__
    if isinstance(cause, sqlite3.Error):
        return _problem_of_sqlite(cause)
    return _problem_of_postgres(error, getattr(cause, "sqlstate", None) or "")


# --- SQLite --------------------------------------------------------------------------------------


def _problem_of_sqlite(error: sqlite3.Error) -> Problem | None:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if "Could not decode" in str(error) or "malformed" in str(error):
        code = sqlite3.SQLITE_CORRUPT
    where = _file()
    match code:
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return Problem(
                say("the database is damaged, or is no database at all"),
                say("move it away, then bring a backup back with toutdoux restore FILE"),
                where,
            )
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return _busy(where)
        case sqlite3.SQLITE_FULL:
            return _full(where)
        case sqlite3.SQLITE_READONLY:
            return _read_only(where)
        case sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM:
            return Problem(
                say("the database cannot be opened"),
                say("check the permissions of the file and of its folder"),
                where,
            )
        case sqlite3.SQLITE_IOERR:
            return Problem(
                say("the disk could not be read or written ({text})", text=str(error)),
                say("check the disk, and that there is room on it"),
                where,
            )
        case sqlite3.SQLITE_ERROR if "no such" in str(error):
            return _not_ours(where)
    return None


def _file() -> str:
    from django.db import connection

    name = str(connection.settings_dict["NAME"]).removeprefix("file:").partition("?")[0]
    return "" if name == ":memory:" else name


# --- PostgreSQL ----------------------------------------------------------------------------------


def _problem_of_postgres(error: Exception, state: str) -> Problem | None:
    from django.db import InterfaceError, OperationalError

    if _while_connecting(error):
        # Django connects again once a connection is gone, and fails at that.
        return _gone() if _came_after_another(error) else _not_connected(str(error))
    match state:
        case "40001" | "40P01" | "55P03" | "57014":
            return _busy("PostgreSQL")
        case "53100":
            return _full("PostgreSQL")
        case "25006":
            return _read_only("PostgreSQL")
        case "42501":
            return Problem(
                say("this user may not do this in the database"),
                say("give it all rights on the database, as its owner has"),
                "PostgreSQL",
            )
        case "42P01" | "42703":
            return _not_ours("PostgreSQL")
        case "XX001" | "XX002":
            return Problem(
                say("the database is damaged"),
                say("make a new one, then bring a backup back with toutdoux restore FILE"),
                "PostgreSQL",
            )
    gone = state.startswith(("08", "57P")) or not state
    if gone and isinstance(error, (OperationalError, InterfaceError)):
        return _gone()
    if isinstance(error, OperationalError):
        return Problem(
            say("the database cannot do this now ({text})", text=_first_line(error)),
            say("try again later, or ask who looks after it"),
            "PostgreSQL",
        )
    return None


def _while_connecting(error: BaseException) -> bool:
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_name == "get_new_connection":
            return True
        trace = trace.tb_next
    return False


def _came_after_another(error: BaseException) -> bool:
    from django.db import Error

    before = error.__context__
    while before is not None:
        if isinstance(before, Error):
            return True
        before = before.__context__
    return False


def _gone() -> Problem:
    return Problem(
        say(
            "the database went away in the middle; what was being recorded may or may not have been"
        ),
        say("when it is there again, look with toutdoux status, then go on"),
        "PostgreSQL",
    )


def _not_connected(text: str) -> Problem:
    # What the server says has no code as long as there is no connection.
    if "authentication" in text or "password" in text or "role" in text:
        return Problem(
            say("the database does not let this user in"),
            say("check the name and the password in DATABASE_URL"),
            "PostgreSQL",
        )
    if "database" in text and "does not exist" in text:
        return Problem(
            say("there is no database of this name"),
            say("create it, or correct DATABASE_URL"),
            "PostgreSQL",
        )
    if "too many" in text or "remaining connection slots" in text:
        return Problem(
            say("the database serves too many others"), say("try again later"), "PostgreSQL"
        )
    return Problem(
        say("the database cannot be reached"),
        say("check that it runs, and the host and port in DATABASE_URL"),
        "PostgreSQL",
    )


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


# --- both ----------------------------------------------------------------------------------------


def _busy(where: str) -> Problem:
    return Problem(
        say("another program is writing to the database; nothing was recorded"),
        say("try again when it has finished"),
        where,
    )


def _full(where: str) -> Problem:
    return Problem(
        say("the disk is full; nothing was recorded"), say("make room on it, then try again"), where
    )


def _read_only(where: str) -> Problem:
    return Problem(
        say("the database can only be read; nothing was recorded"),
        say("check the permissions of the file and the disk, or of its user"),
        where,
    )


def _not_ours(where: str) -> Problem:
    return Problem(
        say("the database is not as toutdoux made it: a part of it is missing"),
        say("bring a backup back with toutdoux restore FILE --replace"),
        where,
    )
