"""Django's settings for what people see in a browser, beside those of the command line.

Apart, because reading what pages need takes longer than all that most commands do.
"""

from __future__ import annotations

import logging
import os
from urllib.parse import unquote, urlsplit

from toutdoux.config import settings as lean
from toutdoux.config.home import secret_key
from toutdoux.config.settings import *  # noqa: F403

INSTALLED_APPS = [*lean.INSTALLED_APPS, *lean.WEB_APPS]

# --- where it is ---------------------------------------------------------------------------------

_told = os.environ.get("TOUTDOUX_URL") or os.environ.get("TOUTDOUX_LISTENS")
PUBLIC_URL = (_told or "http://localhost:8000").rstrip("/")
"""The address that people type: links in mails begin with it."""

_public = urlsplit(PUBLIC_URL)
_https = _public.scheme == "https"
_here = ["localhost", "127.0.0.1", "[::1]"]
_others = os.environ.get("TOUTDOUX_HOSTS", "").split()
ALLOWED_HOSTS = [_public.hostname or "localhost", *_here, *_others]
CSRF_TRUSTED_ORIGINS = [f"{_public.scheme}://{_public.netloc}"]
SECRET_KEY = secret_key()
ROOT_URLCONF = "toutdoux.config.urls"

# --- how it is protected -------------------------------------------------------------------------

MIDDLEWARE = [
    "toutdoux.web.middleware.Guard",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "django.middleware.common.CommonMiddleware",  # it says how long an answer is
    "django.middleware.http.ConditionalGetMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "toutdoux.web.middleware.Speech",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
X_FRAME_OPTIONS = "DENY"
APPEND_SLASH = False
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
# Behind Caddy or nginx, which speak HTTPS for us.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if _https else None
SECURE_SSL_REDIRECT = _https
SECURE_REDIRECT_EXEMPT = [r"^healthz$"]
# Browsers keep to HTTPS here, and at all addresses below this one, for a year: docs/install.md says
# so. `preload` only allows the owner of a whole domain to have browsers know it beforehand.
SECURE_HSTS_SECONDS = 31_536_000 if _https else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = _https
SECURE_HSTS_PRELOAD = _https
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _https
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_NAME = "toutdoux"
SESSION_COOKIE_AGE = 60 * 60 * 24 * 60
CSRF_FAILURE_VIEW = "toutdoux.web.errors.csrf_failure"
DATA_UPLOAD_MAX_MEMORY_SIZE = FILE_UPLOAD_MAX_MEMORY_SIZE = 2_500_000
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2_000

# In the process: limits, such as that of attempts to sign in, are counted by each for itself. It
# holds so many that nobody pushes their own attempts out with others.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    }
}

# --- what it looks like --------------------------------------------------------------------------

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.jinja2.Jinja2",
        "DIRS": [lean.PACKAGE / "web" / "templates"],
        "OPTIONS": {
            "environment": "toutdoux.web.speech.environment",
            "context_processors": ["toutdoux.web.speech.words"],
        },
    },
    {
        # allauth's own pages, where we have none of ours in their place.
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
    },
]
USE_I18N = True
LANGUAGE_CODE = "fr"
LANGUAGES = [("fr", "Français"), ("en", "English")]

# --- accounts ------------------------------------------------------------------------------------

AUTH_USER_MODEL = "web.Account"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_REDIRECT_URL = "/"
LOGIN_URL = "account_login"
ACCOUNT_ADAPTER = "toutdoux.web.accounts.AccountAdapter"
SOCIALACCOUNT_ADAPTER = "toutdoux.web.accounts.SocialAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_SESSION_REMEMBER = True
# Behind a proxy everybody has its address, and would share their attempts.
ALLAUTH_TRUSTED_PROXY_COUNT = 1 if _https else 0
MFA_SUPPORTED_TYPES = ["webauthn"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not _https  # passkeys work on http://localhost

# --- mail ----------------------------------------------------------------------------------------

_mail = urlsplit(os.environ.get("TOUTDOUX_MAIL", ""))
MAIL_IS_SENT = _mail.scheme in ("smtp", "smtps")
"""Whether there is a mail server: without one, invitations are links to copy."""

EMAIL_HOST = _mail.hostname or "localhost"
EMAIL_PORT = _mail.port or (465 if _mail.scheme == "smtps" else 25)
EMAIL_HOST_USER = unquote(_mail.username or "")
EMAIL_HOST_PASSWORD = unquote(_mail.password or "")
EMAIL_USE_SSL = _mail.scheme == "smtps"
EMAIL_USE_TLS = _mail.scheme == "smtp" and _mail.port == 587
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = os.environ.get("TOUTDOUX_MAIL_FROM", f"toutdoux@{_public.hostname}")
ACCOUNT_LOGIN_BY_CODE_ENABLED = MAIL_IS_SENT
ACCOUNT_EMAIL_VERIFICATION = "none"  # an address is known from its invitation
ACCOUNT_LOGIN_ON_PASSWORD_RESET = True
EMAIL_BACKEND = "toutdoux.web.mail.QueueBackend"

# --- OpenID Connect ------------------------------------------------------------------------------

OIDC_NAME = os.environ.get("TOUTDOUX_OIDC_NAME", "OpenID Connect")
SOCIALACCOUNT_PROVIDERS = (
    {
        "openid_connect": {
            "APPS": [
                {
                    "provider_id": "oidc",
                    "name": OIDC_NAME,
                    "client_id": os.environ.get("TOUTDOUX_OIDC_CLIENT", ""),
                    "secret": os.environ.get("TOUTDOUX_OIDC_SECRET", ""),
                    "settings": {"server_url": os.environ["TOUTDOUX_OIDC_URL"]},
                }
            ]
        }
    }
    if os.environ.get("TOUTDOUX_OIDC_URL")
    else {}
)
SOCIALACCOUNT_ONLY = False
SOCIALACCOUNT_LOGIN_ON_GET = True  # a form may lead nowhere else: see the policy in `middleware`
# Who runs this chose the provider, and trusts it with the addresses that it says are verified.
SOCIALACCOUNT_EMAIL_AUTHENTICATION = True
SOCIALACCOUNT_EMAIL_AUTHENTICATION_AUTO_CONNECT = True

# --- the demo ------------------------------------------------------------------------------------

DEMO = os.environ.get("TOUTDOUX_DEMO") == "1"
"""Whether visitors choose whom they are: see `toutdoux.web.demo`."""

# --- the source ----------------------------------------------------------------------------------

SOURCE = os.environ.get("TOUTDOUX_SOURCE", "")
"""Where the running version's source is, if somebody changed it; else it is served from here."""

# --- the database --------------------------------------------------------------------------------

# Every thread keeps its connection, and looks at the beginning of a request if it still stands.
DATABASES["default"] |= {"CONN_MAX_AGE": None, "CONN_HEALTH_CHECKS": True}  # noqa: F405
# Few threads serve everybody: whoever waits for another writer is told so before all of them wait.
_LONGEST_WAIT = 5
if (_waits := DATABASES["default"]["OPTIONS"].get("timeout")) is not None:  # noqa: F405
    DATABASES["default"]["OPTIONS"]["timeout"] = min(_waits, _LONGEST_WAIT)  # noqa: F405

# What strangers ask for that is not there is no fault of anybody here: the log is for faults.
logging.getLogger("django.request").setLevel(logging.ERROR)
logging.getLogger("django.security").setLevel(logging.CRITICAL)
