"""Browsers of members who read English, whatever their accounts say."""

from __future__ import annotations

from django.test import Client

from toutdoux.association.models import Member


def signed_in(handle: str) -> Client:
    client = Client()
    client.cookies["lang"] = "en"
    account = Member.objects.get(handle=handle).seat.account
    client.force_login(account, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client
