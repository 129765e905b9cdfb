"""Signing in, in our own words; the links by which somebody gets an account.

Nobody signs up by themselves: an account is made by the link of an invitation, or by the first
link of a new installation. Of a link only the SHA-256 is kept.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import EmailAddress
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.models import Authenticator
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from django.conf import settings
from django.contrib.auth import login as begin_session
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.http import HttpRequest
from django.urls import reverse

from toutdoux.actions import commands
from toutdoux.association.models import Association, Member
from toutdoux.core.words import Refusal, Sentence, say
from toutdoux.language import Language

from . import mail
from .forms import Form
from .models import Account, FirstLink, Invitation, Seat, Token
from .speech import render, text_of

INVITATION_LASTS = timedelta(days=14)
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
JOINING = "joining"
"""Where a session keeps the address of the invitation that it follows."""


def hashed(code: str) -> str:
    return sha256(code.encode()).hexdigest()


# --- invitations ---------------------------------------------------------------------------------


def invite(asks: commands.Request, member: Member, email: str) -> str:
    """Make a link by which somebody becomes the account of a member, once, within 14 days.

    It takes the place of those that were made before. Where mail is sent and an address is given,
    the link goes there, too. Of a member who has an account it lets them back in: only whoever
    runs the installation may make such a link, for it is as good as a password.

    It is an entry of the ledger, too: all members see who made it.

    Args:
        asks: who makes it, and when.
        member: whose link it is.
        email: their address; empty if it is not known.

    Returns:
        The link: a whole address. It is kept nowhere.

    Raises:
        Refusal: they are no member now.
    """
    code, now = secrets.token_urlsafe(24), asks.now
    with transaction.atomic():
        # Asked for twice, there are two links. Said with the form's key, only one would be told.
        commands.invite_member(replace(asks, key=None), member.pk)
        Invitation.objects.filter(member=member, used=None).delete()
        Invitation.objects.create(
            member=member,
            code=hashed(code),
            email=email,
            made=now,
            ends=now + INVITATION_LASTS,
        )
        link = f"{settings.PUBLIC_URL}{reverse('join', kwargs={'code': code})}"
        if email and settings.MAIL_IS_SENT:
            _send_invitation(member, email, link, now)
    return link


def _send_invitation(member: Member, email: str, link: str, now: datetime) -> None:
    association = member.association
    back = Seat.objects.filter(member=member).exists()
    paragraphs = [
        say("Hello {name},", name=member.name),
        say(
            "this link lets you choose a new password for {association}:",
            association=association.name,
        )
        if back
        else say(
            "{association} decides here, and you have a vote. This link makes your account:",
            association=association.name,
        ),
        say("It works once, until {day}.", day=(now + INVITATION_LASTS).date()),
    ]
    subject = (
        say("Your way back to {association}", association=association.name)
        if back
        else say("Your account in {association}", association=association.name)
    )
    language = Language(association.language, ZoneInfo(association.time_zone))
    send(email, subject, paragraphs, language, now, link=link)


def invite_newcomer(asked: commands.Request, member: Member, email: str) -> str:
    """The same for a référent·e, who makes links only for those who have no account: one into an
    account is as good as its password.

    Raises:
        Refusal: they have one, or are no member now.
    """
    if member.erased or Seat.objects.filter(member=member).exists():
        raise Refusal(
            say("{member} has an account", member=member.pk),
            say("they sign in with it; whoever lost their password asks for a new one there"),
        )
    return invite(asked, member, email)


def close(asked: commands.Request, member: Member) -> None:
    """Close a member's account: it lets nobody in any more, and they can be invited again. They are
    told, for else nobody might notice who votes in their place.

    Raises:
        Refusal: they have none.
    """
    seat = Seat.objects.select_related("account").filter(member=member).first()
    if seat is None or member.erased:
        raise Refusal(
            say("{member} has no account", member=member.pk), say("there is none to close")
        )
    with transaction.atomic():
        commands.close_account(asked, member.pk)
        if settings.MAIL_IS_SENT:
            _tell_of_closing(seat.account, member, asked)


def _tell_of_closing(account: Account, member: Member, asked: commands.Request) -> None:
    association = member.association
    by = Member.objects.filter(pk=asked.by).values_list("name", flat=True).first()
    paragraphs = [
        say("Hello {name},", name=member.name),
        say("{by} closed your account in {association}.", by=by, association=association.name)
        if by
        else say("Your account in {association} was closed.", association=association.name),
        say(
            "You are a member as before. Ask there for an invitation to vote again; whoever takes"
            " it up votes in your name."
        ),
    ]
    subject = say("Your account in {association} is closed", association=association.name)
    language = Language(account.language or association.language, ZoneInfo(association.time_zone))
    send(account.email, subject, paragraphs, language, asked.now)


def invitation_of(code: str, now: datetime) -> Invitation | None:
    """The invitation that a link belongs to, if it still works."""
    rows = Invitation.objects.select_related("member__association")
    found = rows.filter(code=hashed(code), used=None, ends__gt=now, member__erased=False).first()
    if found is None:
        return None
    # One that was made before the member had an account is no way into that account.
    seat = Seat.objects.filter(member=found.member_id).first()
    return None if seat is not None and found.made <= seat.since else found


def use(invitation: Invitation, now: datetime) -> bool:
    """Take an invitation up. Returns whether nobody else did. In a transaction."""
    rows = Invitation.objects.filter(pk=invitation.pk, used=None)
    if not rows.update(used=now):
        return False
    Invitation.objects.filter(member=invitation.member_id, used=None).delete()
    return True


def already_here(account: Account, member: Member) -> Member | None:
    """Whom an account is already in a member's association: nobody is two there."""
    seat = (
        Seat.objects.filter(account=account, member__association=member.association_id)
        .select_related("member")
        .first()
    )
    return seat.member if seat else None


# --- the first link ------------------------------------------------------------------------------


def first_link(now: datetime) -> str | None:
    """The address of the page that founds the first association: a new one, the others no longer
    work. None where there is an association."""
    if Association.objects.exists():
        return None
    code = secrets.token_urlsafe(24)
    FirstLink.objects.filter(used=None).delete()
    FirstLink.objects.create(code=hashed(code), made=now)
    return reverse("setup", kwargs={"code": code})


def is_first_link(code: str) -> bool:
    known = FirstLink.objects.filter(code=hashed(code), used=None).exists()
    return known and not Association.objects.exists()


# --- an account's fields -------------------------------------------------------------------------


def email_told(form: Form, name: str = "email", *, mine: Account | None = None) -> str:
    """The address of a form, of which nobody has an account; `mine` may have it."""
    text = form[name].strip().lower()
    try:
        validate_email(text)
    except ValidationError:
        form.problems[name] = (
            say("“{text}” is not an e-mail address", text=text) if text else say("write it in")
        )
        return ""
    others = Account.objects.filter(email__iexact=text)
    if mine is not None:
        others = others.exclude(pk=mine.pk)
    if others.exists():
        form.problems[name] = say("there is an account with this address already")
    return text


def password_told(form: Form, name: str = "password", account: Account | None = None) -> str:
    """A new password of a form."""
    text = form[name]
    try:
        validate_password(text, account)
    except ValidationError as error:
        # Django says these in the page's language, as whole sentences.
        form.problems[name] = say("{problem}", problem=" ".join(error.messages).strip().rstrip("."))
    return text


def sign_in(request: Any, account: Account, method: str = "password") -> None:
    """Begin a session: a new one, whatever there was."""
    from allauth.account.internal.flows.login import record_authentication

    begin_session(request, account, backend=BACKEND)
    record_authentication(request, account, method)


# --- letters -------------------------------------------------------------------------------------


def send(
    to: str,
    subject: Sentence,
    paragraphs: list[Sentence],
    language: Language,
    now: datetime,
    *,
    link: str = "",
    code: str = "",
) -> None:
    """Put a letter about an account in the queue, as text and as HTML."""
    context: Mapping[str, Any] = {"paragraphs": paragraphs, "link": link, "code": code}
    mail.post(
        to,
        language.typographic(language.say(subject)),
        text_of("account/letter.txt", context, language, now),
        now,
        html=text_of("account/letter.html", context, language, now),
    )


_NOT_ME = say("If you did not ask for this, leave it: nothing changes.")


class AccountAdapter(DefaultAccountAdapter):
    """What allauth does, where we do it otherwise."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def new_user(self, request: Any) -> Account:
        return Account(created=request.now, language=request.language.code)

    def get_login_stages(self) -> list[str]:
        # A passkey takes the password's place. It is no second lock, which a lost phone would
        # shut for ever where there is no mail.
        second = "allauth.mfa.stages.AuthenticateStage"
        return [stage for stage in super().get_login_stages() if stage != second]

    def add_message(
        self,
        request: Any,
        level: int,
        message_template: str | None = None,
        message_context: dict[str, Any] | None = None,
        extra_tags: str = "",
        message: str | None = None,
    ) -> None:
        told = _TOLD.get(message_template or "")
        if message and message == self.error_messages["too_many_login_attempts"]:
            told = say("The code was wrong too often: ask for another")
        if told is not None:
            request.left.text = request.language.say(told)
        elif message:
            request.left.text = str(message)

    def validation_error(self, code: str, *args: object) -> ValidationError:
        told = _WRONG.get(code)
        if told is None:
            return super().validation_error(code, *args)  # type: ignore[no-any-return]
        request: Any = self.request
        return ValidationError(request.language.typographic(request.language.say(told)), code=code)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        request: Any = self.request
        account = Account.objects.filter(email__iexact=email).first()
        code = account.language if account and account.language else request.language.code
        language = Language(code)
        what = template_prefix.rpartition("/")[2]
        if what == "login_code":
            told = say("This code signs you in. It works for a few minutes.")
            subject = say("Your code to sign in")
            send(email, subject, [told, _NOT_ME], language, request.now, code=context["code"])
        elif what == "password_reset_key":
            told = say("This link lets you choose a new password.")
            link = context["password_reset_url"]
            subject = say("A new password")
            send(email, subject, [told, _NOT_ME], language, request.now, link=link)
        elif what == "unknown_account":
            told = say(
                "Somebody tried to sign in with this address, and there is no account with it."
                " Accounts are made by the link of an invitation: any référent·e can make you one."
            )
            subject = say("There is no account with this address")
            send(email, subject, [told, _NOT_ME], language, request.now)

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return "/"

    def get_reset_password_from_key_url(self, key: str) -> str:
        return f"{settings.PUBLIC_URL}{urlsplit(super().get_reset_password_from_key_url(key)).path}"


_WRONG = {
    "email_password_mismatch": say("The e-mail address or the password is not right."),
}
"""What is said of what is wrong, for the names that allauth has for it."""

_TOLD = {
    "account/messages/password_changed.txt": say("Your password is changed"),
    "account/messages/password_set.txt": say("Your password is set"),
    "mfa/messages/webauthn_added.txt": say("The passkey is there: it signs you in from now on"),
    "mfa/messages/webauthn_removed.txt": say("The passkey is removed"),
    "socialaccount/messages/account_disconnected.txt": say("The connection is removed"),
}
"""What is said of what was done, for the names that allauth has for it."""


class SocialAdapter(DefaultSocialAccountAdapter):
    """Signing in elsewhere: it ties an account to an address that is verified there."""

    def is_open_for_signup(self, request: Any, sociallogin: Any) -> bool:
        return _is_joining(request)

    def pre_social_login(self, request: Any, sociallogin: Any) -> None:
        # An account is tied by its address alone. Tying another one to who is signed in could be
        # started by any page elsewhere.
        if sociallogin.state.get("process") == "connect":
            raise ImmediateHttpResponse(elsewhere(request, "connect"))
        if sociallogin.is_existing:
            if sociallogin.account.pk is None:  # it was found by its address
                _make_theirs(request, sociallogin.user)
            return
        email = sociallogin.user.email if sociallogin.user else ""
        if not _is_joining(request):
            raise ImmediateHttpResponse(elsewhere(request, "unknown"))
        if not email:
            raise ImmediateHttpResponse(elsewhere(request, "nameless"))
        if Account.objects.filter(email__iexact=email).exists():
            raise ImmediateHttpResponse(elsewhere(request, "taken"))

    def on_authentication_error(
        self,
        request: Any,
        provider: Any,
        error: Any = None,
        exception: Any = None,
        extra_context: Any = None,
    ) -> None:
        why = "cancelled" if error == "cancelled" else "error"
        raise ImmediateHttpResponse(elsewhere(request, why, status=401 if why == "error" else 200))


def _make_theirs(request: Any, account: Account) -> None:
    """Have an account be of the one who proved elsewhere that its address is theirs.

    Where nobody had shown this before, somebody else may have made it with that address, to come
    back once its owner is in: what signs in, or acts, without the provider is taken away.
    """
    if EmailAddress.objects.filter(user=account, email__iexact=account.email, verified=True):
        return
    with transaction.atomic():
        account.set_unusable_password()  # which ends all sessions, too
        account.save(update_fields=["password"])
        Authenticator.objects.filter(user=account).delete()
        Token.objects.filter(seat__account=account).delete()
        note_verified(account)
    told = say(
        "{provider} signs you in from now on. Nobody had shown before that this address is theirs:"
        " the password, passkeys and tokens from before work no longer. Choose others on your page",
        provider=settings.OIDC_NAME,
    )
    request.left.text = request.language.say(told)


def note_verified(account: Account) -> None:
    """Note that mail to an account's address arrives at its owner."""
    EmailAddress.objects.filter(user=account).delete()
    EmailAddress.objects.create(user=account, email=account.email, verified=True, primary=True)


def _is_joining(request: Any) -> bool:
    code = request.session.get(JOINING)
    return bool(code) and invitation_of(code, request.now) is not None


def elsewhere(request: Any, why: str, status: int = 403) -> Any:
    """The page of somebody whom signing in elsewhere did not lead in."""
    context = {"why": why, "provider": settings.OIDC_NAME}
    return render(request, "socialaccount/elsewhere.html", context, status)
