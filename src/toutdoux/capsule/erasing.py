"""What the capsule lets go with the ledger's texts."""

from __future__ import annotations

from toutdoux.core.chain import Body
from toutdoux.ledger.book import Writer, projects

from .models import ClientCertificate


@projects("texts.erased")
def _forget(writer: Writer, entry: Body) -> None:
    member = entry["data"].get("member")
    if member is not None:
        ClientCertificate.objects.filter(association=writer.id, member=member).delete()
