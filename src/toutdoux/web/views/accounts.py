"""How somebody gets an account, and gets in: the first link, invitations, the demo's seats.

What allauth has pages for is under `account/`; here is what it has none of, or has otherwise.
"""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from allauth.account.decorators import reauthentication_required
from allauth.account.models import EmailAddress
from allauth.account.views import password_reset, request_login_code
from allauth.core.ratelimit import consume_or_429
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core import signing
from django.db import IntegrityError, transaction
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.urls import path, re_path, reverse

from toutdoux.actions import commands
from toutdoux.association.models import Association
from toutdoux.association.settings import settings_of
from toutdoux.association.zones import place_zones, zones
from toutdoux.core.charter import Charter, read_charter
from toutdoux.core.charter_in_words import charter_in_words
from toutdoux.core.presets import PRESETS
from toutdoux.core.words import Refusal, Sentence, say
from toutdoux.language import LANGUAGES, Language
from toutdoux.ledger.models import Ledger

from .. import accounts
from ..forms import Form
from ..models import Account, FirstLink, Invitation, Seat
from ..speech import render

VIA = "web"
_TO_CONFIRM = 3_600
"""How long the link works that confirms an address, in seconds."""


def _home(request: Any, slug: str, said: Sentence) -> HttpResponse:
    """Go to Today, where a sentence is told once, as that page speaks to members."""
    kept = settings_of(Association.objects.get(slug=slug))
    request.left.text = Language(request.language.code, formal=not kept.use_tu).say(said)
    return HttpResponseRedirect(reverse("today", kwargs={"slug": slug}))


# --- invitations ---------------------------------------------------------------------------------


def join(request: Any, code: str) -> HttpResponse:
    """Become the account of the member whom an invitation names. Looking at it changes nothing."""
    invitation = accounts.invitation_of(code, request.now)
    if invitation is None:
        return _gone(request)
    seat = Seat.objects.select_related("account").filter(member=invitation.member).first()
    form = Form(request.POST) if request.method == "POST" else Form(email=invitation.email)
    user: Account | None = request.user if request.user.is_authenticated else None
    here = accounts.already_here(user, invitation.member) if user and seat is None else None
    if request.method == "POST" and here is None:
        if seat is not None:
            account = _back(form, seat)
        elif user is not None and form.on("mine"):
            account = user
        else:
            account = _new(request, form)
        if form.sound:
            with form.taking(invitation.member.association_id):
                try:
                    if not _taken_up(request, invitation, seat, account):
                        return _gone(request)
                except (_Overtaken, IntegrityError):
                    return join(request, code)  # which now sees why it can't be
                accounts.sign_in(request, account)
                request.session.pop(accounts.JOINING, None)
                slug = invitation.member.association.slug
                return _home(request, slug, say("Welcome, {name}", name=invitation.member.name))
    if settings.SOCIALACCOUNT_PROVIDERS and user is None and seat is None:
        # Who signs in elsewhere first comes back with an account.
        request.session[accounts.JOINING] = code
    context = {
        "invitation": invitation,
        "association": invitation.member.association,
        "member": invitation.member,
        "seat": seat,
        "here": here,
        "form": form,
    }
    return render(request, "claim.html", context, form.status)


def _gone(request: Any) -> HttpResponse:
    return render(request, "claim_gone.html", status=410)


def _new(request: Any, form: Form) -> Account:
    """The account that a form makes, once it is kept."""
    account = Account(
        email=accounts.email_told(form), created=request.now, language=request.language.code
    )
    account.set_password(accounts.password_told(form, account=account) if form.sound else None)
    return account


def _back(form: Form, seat: Seat) -> Account:
    account = seat.account
    account.set_password(accounts.password_told(form, account=account))
    return account


class _Overtaken(Exception):
    """Since the form was looked at, somebody took the address, or the account another place."""


def _taken_up(request: Any, invitation: Invitation, seat: Seat | None, account: Account) -> bool:
    member = invitation.member
    with transaction.atomic():
        # Of two at once, the second sees what the first did.
        Ledger.objects.select_for_update().get(id=member.association_id)
        if not accounts.use(invitation, request.now):
            return False
        others = Account.objects.filter(email__iexact=account.email).exclude(pk=account.pk)
        here = account.pk and seat is None and accounts.already_here(account, member)
        if here or others.exists():
            raise _Overtaken
        account.save()
        if settings.MAIL_IS_SENT and invitation.email.casefold() == account.email.casefold():
            # The link went there, and nowhere else.
            accounts.note_verified(account)
        if seat is None:
            Seat.objects.create(account=account, member=member, since=request.now)
        commands.claim_account(_asks(request, member.association_id, member.pk), member.pk)
    return True


def _asks(request: Any, association: str, by: str | None = None) -> commands.Request:
    return commands.Request(association=association, now=request.now, via=VIA, by=by)


# --- the first link ------------------------------------------------------------------------------

CHARTERS: dict[str, tuple[Sentence, Sentence]] = {
    "tout-doux-cratie": (
        say("Tout-Doux-Cratie"),
        say("Who proposes acts, unless others object; half of the members decide at once."),
    ),
    "lazy-consensus": (
        say("Lazy consensus"),
        say("What nobody objects to within three days is adopted; one objection is enough."),
    ),
    "simple-majority": (
        say("Simple majority"),
        say("More for than against after a week, if a third of the members vote."),
    ),
}
"""What each preset is called, and what it is in a sentence."""


def setup(request: Any, code: str) -> HttpResponse:
    """Found the first association, with its first member, who looks after it."""
    if not accounts.is_first_link(code):
        return render(request, "setup_gone.html", status=404)
    language = request.language.code
    first = {"time_zone": "Europe/Paris", "language": language, "charter": "tout-doux-cratie"}
    form = Form(request.POST) if request.method == "POST" else Form(**first)
    if request.method == "POST":
        told = _association_told(form)
        member = form.line("member", say("your name"))
        email = accounts.email_told(form)
        password = accounts.password_told(form)
        if form.sound:
            with form.taking():
                return _founded(request, code, told, member, email, password)
    context = {
        "form": form,
        "zones": [(zone, zone.replace("_", " ")) for zone in place_zones()],
        "charters": [(name, *CHARTERS[name], _rules(name)) for name in PRESETS],
    }
    return render(request, "setup.html", context, form.status)


def _rules(name: str) -> list[tuple[Sentence, list[Sentence]]]:
    return list(charter_in_words(read_charter(name)))


def _association_told(form: Form) -> dict[str, Any]:
    name = form.line("name", say("the association's name"))
    slug = form["slug"].strip().lower() or commands.plain(name)
    if "name" not in form.problems and (not slug or commands.plain(slug) != slug):
        form.problems["slug"] = say("use small letters without accents, digits and -")
    for field, known in (
        ("time_zone", {*zones()}),
        ("language", {*LANGUAGES}),
        ("charter", {*PRESETS}),
    ):
        if form[field] not in known:
            form.problems[field] = say("choose one of these")
    charter: Charter | None = None if form.problems else read_charter(form["charter"])
    return {
        "name": name,
        "slug": slug,
        "time_zone": form["time_zone"],
        "language": form["language"],
        "charter": charter,
    }


def _founded(
    request: Any, code: str, told: dict[str, Any], name: str, email: str, password: str
) -> HttpResponse:
    """All of it, or nothing."""
    now = request.now
    with transaction.atomic():
        link = FirstLink.objects.filter(code=accounts.hashed(code), used=None)
        if not link.update(used=now) or Association.objects.exists():
            raise Refusal(
                say("somebody founded the association a moment ago"), say("sign in with an account")
            )
        id = commands.found(now=now, via=VIA, **told)
        member = commands.add_member(_asks(request, id), name, founder=True, email=email)
        today = now.astimezone(ZoneInfo(told["time_zone"])).date()
        commands.give_role(_asks(request, id, member), member, "référent·e", today)
        account = Account.objects.create_user(
            email, password, created=now, language=request.language.code
        )
        Seat.objects.create(account=account, member_id=member, since=now)
        commands.claim_account(_asks(request, id, member), member)
    accounts.sign_in(request, account)
    said = say(
        "{name} is founded. Next: under Members, add the other founders and invite them; then"
        " propose the first action",
        name=told["name"],
    )
    return _home(request, told["slug"], said)


# --- the demo ------------------------------------------------------------------------------------


def demo(request: Any) -> HttpResponse:
    """Be any member of the demo: it is there to be tried, and holds nobody's data."""
    if not settings.DEMO:
        raise Http404
    if request.method == "POST":
        seat = (
            Seat.objects.select_related("account", "member__association")
            .filter(member=request.POST.get("member", ""))
            .first()
        )
        if seat is None:
            raise Http404
        accounts.sign_in(request, seat.account, "demo")
        said = say("You are {name} now", name=seat.member.name)
        return _home(request, seat.member.association.slug, said)
    from ..demo import people

    return render(request, "demo.html", {"associations": people(request.now)})


# --- the address one signs in with ---------------------------------------------------------------


@login_required
@reauthentication_required(app="allauth.mfa")
def email(request: Any) -> HttpResponse:
    """Change the address of an account. Where mail is sent, the new one is confirmed first."""
    limited = consume_or_429(request, action="manage_email")
    if limited is not None:
        return limited  # type: ignore[no-any-return]
    account: Account = request.user
    form = Form(request.POST) if request.method == "POST" else Form()
    sent = ""
    if request.method == "POST":
        new = accounts.email_told(form, mine=account)
        if form.sound and settings.MAIL_IS_SENT:
            sent = new
            _ask_to_confirm(request, account, new)
        elif form.sound:
            _change_email(account, new)
            request.left.text = request.language.say(say("You sign in with {email} now", email=new))
            return HttpResponseRedirect("/")
    return render(request, "account/email.html", {"form": form, "sent": sent}, form.status)


def _ask_to_confirm(request: Any, account: Account, new: str) -> None:
    token = signing.dumps([account.pk, account.email, new], salt="email")
    link = f"{settings.PUBLIC_URL}{reverse('account_email_confirm', kwargs={'token': token})}"
    told = say("This link makes {email} the address that you sign in with.", email=new)
    subject = say("Confirm your address")
    language = Language(account.language or request.language.code)
    accounts.send(new, subject, [told, accounts._NOT_ME], language, request.now, link=link)


def confirm_email(request: Any, token: str) -> HttpResponse:
    """Take the new address, once it is known that mail arrives there."""
    try:
        pk, old, new = signing.loads(token, salt="email", max_age=_TO_CONFIRM)
    except signing.BadSignature:
        raise Http404 from None
    account = Account.objects.filter(pk=pk, email=old).first()
    if account is None or Account.objects.filter(email__iexact=new).exclude(pk=pk).exists():
        raise Http404
    if request.method == "POST":
        _change_email(account, new)
        accounts.note_verified(account)
        told = say("{old} signs nobody in any more: the account has another address now.", old=old)
        language = Language(account.language or request.language.code)
        accounts.send(old, say("Your address is changed"), [told], language, request.now)
        return HttpResponseRedirect("/")
    return render(request, "account/email_confirm.html", {"email": new})


def _change_email(account: Account, new: str) -> None:
    with transaction.atomic():
        account.email = new
        account.save(update_fields=["email"])
        EmailAddress.objects.filter(user=account).delete()


# --- what allauth has otherwise ------------------------------------------------------------------


def _if_mail(view: Any) -> Any:
    """A page that sends a mail: there is none where no mail is sent."""

    def wrapped(request: Any) -> HttpResponse:
        if not settings.MAIL_IS_SENT and (request.method == "POST" or view is request_login_code):
            raise Http404
        return view(request)  # type: ignore[no-any-return]

    return wrapped


def _off(request: Any, **arguments: str) -> HttpResponse:
    raise Http404


def _passkeys(request: Any) -> HttpResponse:
    return HttpResponseRedirect(reverse("mfa_list_webauthn"))


urls = [
    path("join/<str:code>", join, name="join"),
    path("setup/<str:code>", setup, name="setup"),
    path("demo", demo, name="demo"),
    path("account/email/", email, name="account_email"),
    path("account/email/confirm/<str:token>", confirm_email, name="account_email_confirm"),
    path("account/login/code/", _if_mail(request_login_code), name="account_request_login_code"),
    path("account/password/reset/", _if_mail(password_reset), name="account_reset_password"),
    # Passkeys are all there is, and take the password's place.
    path("account/2fa/", _passkeys, name="mfa_index"),
    path("account/2fa/authenticate/", _off),
    path("account/2fa/reauthenticate/", _off),
    # Addresses are confirmed above; nobody signs up with one of elsewhere but by an invitation.
    re_path(r"^account/confirm-email/", _off),
    path("account/3rdparty/signup/", _off),
    path("account/3rdparty/login/cancelled/", lambda r: accounts.elsewhere(r, "cancelled", 200)),
    path("account/3rdparty/login/error/", lambda r: accounts.elsewhere(r, "error", 401)),
    re_path(r"^account/social/", _off),
]
