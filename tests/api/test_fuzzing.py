"""schemathesis asks the API everything that its description allows, and much that it does not.

Every answer has a status, a type and a content that the description names, what does not fit the
description is refused, and nothing is a fault of ours.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from shutil import copyfile
from typing import Any

import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck
from schemathesis.checks import not_a_server_error
from schemathesis.config import (
    CoveragePhaseConfig,
    FuzzingPhaseConfig,
    GenerationConfig,
    PhasesConfig,
    ProjectConfig,
    ProjectsConfig,
    SchemathesisConfig,
    StatefulPhaseConfig,
)
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ignored_auth,
    missing_required_header,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from tests.databases import _sqlite, _use
from tests.web.conftest import PEOPLE, found
from toutdoux.actions import commands
from toutdoux.api import door
from toutdoux.web import limits
from toutdoux.web.wsgi import application

from .conftest import Program, program_of

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
    missing_required_header,
    unsupported_method,
    ignored_auth,
]


@pytest.fixture(scope="module")
def ana(_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """A référente's program, in an association in which there is one of everything."""
    file = tmp_path_factory.mktemp("fuzzed") / "toutdoux.sqlite3"
    copyfile(_template, file)
    _use(_sqlite(file), file.parent)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(door, "MANY", 10**9)
        patch.setattr(door, "_LIMIT", door._Limit())
        patch.setattr(limits, "A_MINUTE", 10**9)
        yield seeded()
    _use(_sqlite(_template))


def seeded() -> Program:
    living = found("Les Loutres libres", "loutres", PEOPLE)
    living.propose("ordinary", "Nettoyer la berge", "ana")
    living.propose("extraordinary", "Ouvrir un service de podcasts", "bob")
    living.vote("AE1", bob="for", chloe="against")
    commands.call_counter_vote(living.request(), "AE1", "Trop de travail", by=living.ids["chloe"])
    ana = program_of("ana")
    ana.put("/periods/P26", {"first": "2026-01-01", "last": "2026-12-31"})
    ana.post("/journal", {"kind": "event", "title": "La fête", "date": "2026-03-01"})
    ana.post("/actions/AO1/comments", {"text": "Bonne *idée*"})
    return ana


def config(examples: int) -> SchemathesisConfig:
    generation = GenerationConfig(max_examples=examples)
    phases = PhasesConfig(
        coverage=CoveragePhaseConfig(enabled=True),
        fuzzing=FuzzingPhaseConfig(generation=generation),
        stateful=StatefulPhaseConfig(enabled=False),
    )
    project = ProjectConfig(generation=generation, phases=phases)
    return SchemathesisConfig(projects=ProjectsConfig(default=project), seed=26)


def described(how: SchemathesisConfig) -> Any:
    return schemathesis.openapi.from_wsgi("/api/v1/openapi.json", application(), config=how)


SETTINGS = hypothesis.settings(
    deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)


@pytest.mark.slow
@described(config(25)).parametrize()
@SETTINGS
def test_every_operation_answers_as_it_is_described_whatever_is_sent(
    case: Any, ana: Program
) -> None:
    headers = {
        "Authorization": f"Bearer {ana.token}",
        "Accept-Language": "en",
        "Accept-Encoding": "identity",  # nobody unpacks what a WSGI application answers
    }
    case.call_and_validate(headers=headers, checks=CHECKS)
