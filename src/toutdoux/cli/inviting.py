"""`invite`: a link by which a member gets an account, or back into theirs."""

from __future__ import annotations

import click

from toutdoux.core.words import Sentence, say

from .options import association_option, examples
from .speech import Problem, shown, terminal

_word = terminal.word


@click.command(
    options_metavar=_word("[OPTIONS]"),
    help=_word(
        "Make a link by which a member gets an account; or, if they have one, chooses a new"
        " password. It works once, for 14 days."
    ),
    epilog=examples("toutdoux invite ana", "toutdoux invite ana --email ana@example.org"),
)
@click.argument("member", metavar=_word("MEMBER"))
@click.option(
    "--email",
    default="",
    metavar=_word("ADDRESS"),
    help=_word(
        "Where the link is sent too, if there is a mail server; the member's, unless given."
    ),
)
@association_option
def invite(member: str, email: str, slug: str | None) -> None:
    from toutdoux.config.database import prepare

    from .desk import Desk

    # Accounts are in tables that only the web has.
    prepare(web=True)
    desk = Desk(slug)
    row = desk.member_row(member)

    from django.conf import settings

    from toutdoux.actions.commands import is_email
    from toutdoux.association.people import are_members
    from toutdoux.web import accounts
    from toutdoux.web.models import Seat

    if email and not is_email(email):
        raise Problem(
            say("“{text}” is not an e-mail address", text=email),
            say("write it whole, for instance ana@example.org"),
            "--email",
        )
    if row.erased or not are_members([row.id], desk.now):
        raise Problem(
            say("{name} is no member now", name=row.name or row.handle),
            say("record that they returned first, with toutdoux member return"),
        )
    seat = Seat.objects.select_related("account").filter(member=row).first()
    email = email or row.email
    click.echo(shown(accounts.invite(desk.request(), row, email)))
    if seat is not None:
        _note(
            say(
                "With this link {name} chooses a new password for {email}. Hand it to nobody else.",
                name=row.name,
                email=seat.account.email,
            )
        )
    else:
        _note(
            say("With this link {name} makes their account. Hand it to nobody else.", name=row.name)
        )
    if email and settings.MAIL_IS_SENT:
        _note(say("It is also sent to {email}.", email=email))


def _note(sentence: Sentence) -> None:
    """Beside the link, so that the link alone goes where the output goes."""
    click.echo(shown(terminal.say(sentence)), err=True)
