"""What entries change in the tables of associations and members."""

from __future__ import annotations

from datetime import date, datetime

from toutdoux.core.chain import Body
from toutdoux.core.entries import read_instant
from toutdoux.ledger.book import Writer, projects
from toutdoux.ledger.forgetting import forget
from toutdoux.ledger.models import Text

from .models import Association, CharterVersion, Member, Membership, Period, Role


def text(commitment: str) -> str:
    """A text by its commitment; empty if it was forgotten."""
    found = Text.objects.filter(commitment=commitment).values_list("text", flat=True).first()
    return found or ""


@projects("association.founded")
def _founded(writer: Writer, entry: Body) -> None:
    data = entry["data"]
    Association.objects.create(
        ledger_id=writer.id,
        slug=text(data["texts"]["slug"]),
        name=text(data["texts"]["name"]),
        time_zone=data["time_zone"],
        language=data["language"],
    )
    CharterVersion.objects.create(association_id=writer.id, number=1, rules=data["charter"])


@projects("association.changed")
def _changed(writer: Writer, entry: Body) -> None:
    data = entry["data"]
    changes = {key: data[key] for key in ("time_zone", "language") if key in data}
    changes |= {name: text(value) for name, value in data.get("texts", {}).items()}
    Association.objects.filter(pk=writer.id).update(**changes)


@projects("settings.changed")
def _settings_changed(writer: Writer, entry: Body) -> None:
    data = entry["data"]
    row = Association.objects.get(pk=writer.id)
    row.settings |= data.get("switches", {}) | data.get("texts", {})
    row.save(update_fields=["settings"])


@projects("member.joined")
def _joined(writer: Writer, entry: Body) -> None:
    data = entry["data"]
    Member.objects.create(
        id=data["member"],
        association_id=writer.id,
        founder=bool(data.get("founder")),
        **{name: text(value) for name, value in data["texts"].items()},
    )
    _begin(data["member"], entry)


@projects("member.returned")
def _returned(writer: Writer, entry: Body) -> None:
    _begin(entry["data"]["member"], entry)


def _begin(member: str, entry: Body) -> None:
    Membership.objects.create(
        member_id=member, joined=read_instant(entry["at"]), joined_recorded=recorded_after(entry)
    )


@projects("member.left")
def _left(writer: Writer, entry: Body) -> None:
    last = Membership.objects.filter(member_id=entry["data"]["member"]).latest("joined", "id")
    last.left, last.left_recorded = read_instant(entry["at"]), recorded_after(entry)
    last.save()
    writer.expect(last.left)


@projects("member.renamed")
def _renamed(writer: Writer, entry: Body) -> None:
    data = entry["data"]
    changes = {name: text(value) for name, value in data["texts"].items()}
    Member.objects.filter(pk=data["member"]).update(**changes)


def recorded_after(entry: Body) -> datetime | None:
    """When it was recorded, if that was after the fact."""
    return read_instant(entry["recorded_at"]) if entry["recorded_at"] > entry["at"] else None


@projects("period.added")
def _period_added(writer: Writer, entry: Body) -> None:
    data = entry["data"]
    Period.objects.create(
        id=data["period"],
        association_id=writer.id,
        name=text(data["texts"]["name"]),
        first=date.fromisoformat(data["first"]),
        last=date.fromisoformat(data["last"]),
    )


@projects("period.changed")
def _period_changed(writer: Writer, entry: Body) -> None:
    data = entry["data"]
    Period.objects.filter(pk=data["period"]).update(
        first=date.fromisoformat(data["first"]), last=date.fromisoformat(data["last"])
    )


@projects("period.removed")
def _period_removed(writer: Writer, entry: Body) -> None:
    Period.objects.filter(pk=entry["data"]["period"]).delete()


@projects("role.given")
def _role_given(writer: Writer, entry: Body) -> None:
    data = entry["data"]
    Role.objects.create(
        id=data["role"],
        member_id=data["member"],
        role_id=data["texts"]["role"],
        first=date.fromisoformat(data["first"]),
        last=date.fromisoformat(data["last"]) if "last" in data else None,
    )


@projects("role.ended")
def _role_ended(writer: Writer, entry: Body) -> None:
    data = entry["data"]
    Role.objects.filter(pk=data["role"]).update(last=date.fromisoformat(data["last"]))


@projects("texts.erased")
def _erased(writer: Writer, entry: Body) -> None:
    data = entry["data"]
    forget(writer.id, data["commitments"])
    if "member" in data:
        member = data["member"]
        Member.objects.filter(pk=member).update(name="", handle=member, email="", erased=True)
