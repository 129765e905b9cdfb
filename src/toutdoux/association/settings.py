"""What an association decides on beside its rules: what the public sees, and who to write to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING

from toutdoux.core.words import Refusal, say

if TYPE_CHECKING:
    from .models import Association

Value = bool | str


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings there are, and what they are unless somebody sets them.

    Those of true or false are switches; the others are texts, which can be forgotten.
    """

    public_inventory: bool = False
    """Whether everybody may read the inventories of periods; so for the next three."""
    public_reports: bool = False
    public_charter: bool = False
    public_actions: bool = False
    show_mentions: bool = False
    """Whether the `@mentions` in texts are shown to everybody; if not, they are masked."""
    use_tu: bool = True
    """Whether French says *tu* to members."""
    publisher: str = ""
    """Who publishes: legal name and address."""
    contact: str = ""
    """Where to write to: an e-mail address, or a link."""
    host: str = ""
    """Who hosts: name and address."""

    @property
    def public_anything(self) -> bool:
        """Whether there is anything for everybody to read."""
        return any(
            (self.public_inventory, self.public_reports, self.public_charter, self.public_actions)
        )

    def __iter__(self) -> Iterator[tuple[str, Value]]:
        return iter(asdict(self).items())


DEFAULTS: Mapping[str, Value] = dict(Settings())


def check(name: str, value: object) -> None:
    """Raises `Refusal` if there is no setting of this name, or if it cannot have this value."""
    known = DEFAULTS.get(name)
    if known is None:
        raise Refusal(
            say("there is no setting “{name}”", name=name),
            say("use one of {names}", names=", ".join(DEFAULTS)),
        )
    if type(value) is not type(known):
        text = str(value)
        raise Refusal(
            say("{key} cannot be “{text}”", key=name, text=text),
            say("say on or off") if isinstance(known, bool) else say("give it a text"),
        )


def settings_of(association: Association) -> Settings:
    """The settings of an association, by its row. One query, if there are any texts."""
    from toutdoux.ledger.models import Text

    kept: dict[str, int | str] = association.settings
    commitments = [one for one in kept.values() if isinstance(one, str)]
    texts: dict[str, str | None] = {}
    if commitments:
        rows = Text.objects.filter(commitment__in=commitments)
        texts = dict(rows.values_list("commitment", "text"))
    told: dict[str, Value] = {
        name: (texts.get(one) or "") if isinstance(one, str) else bool(one)
        for name, one in kept.items()
    }
    known = {field.name for field in fields(Settings)}
    return Settings(**{name: one for name, one in told.items() if name in known})  # type: ignore[arg-type]
