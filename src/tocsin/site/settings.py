"""Django's settings, derived from `site.config`. Administrators set the latter."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import dj_database_url

from tocsin.kernel.reference_data import LOCALE
from tocsin.site import addresses, instance, secret
from tocsin.site import config as configuration

CONFIG = configuration.load()
TOCSIN = CONFIG
"""The same for the rooms below, which do not know this one: `django.conf.settings.TOCSIN`."""
SITE = Path(__file__).resolve().parent

SECRET_KEY = CONFIG.secret_key or secret.instance_key(CONFIG.home)
DEBUG = False
ALLOWED_HOSTS = list(CONFIG.allowed_hosts)
ROOT_URLCONF = "tocsin.site.urls"
WSGI_APPLICATION = "tocsin.site.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "tocsin.site.apps.SiteConfig",
    "tocsin.portal",
    "tocsin.effect",
    "tocsin.notices",
    "tocsin.feeds",
    "tocsin.directory",
    "tocsin.people",
    "tocsin.courier",
    "tocsin.jobs",
    "tocsin.audit",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.forms",
]

MIDDLEWARE = [
    "tocsin.site.security.heads_alone",
    "tocsin.site.problems.Problems",
    "django.middleware.security.SecurityMiddleware",
    "tocsin.site.security.security_headers",
    "tocsin.site.static_files.StaticFileServer",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "tocsin.site.security.address_length",
    "django.middleware.common.CommonMiddleware",
    "tocsin.site.compressing.pages_of_members",
    "tocsin.site.turning.written_out",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    # Before the check for forgery, which reads the body: what is sent by nobody we know is not even received.
    "tocsin.people.access.Gate",
    "tocsin.site.lost_files.LostFiles",
    "tocsin.site.security.BodyLength",
    "django.middleware.csrf.CsrfViewMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "tocsin.feeds.clearing.Clearing",
]

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "tocsin.site.context.frame",
            ],
        },
    },
]


CONNECT_WITHIN_S = 10
"""A database server that is cut off is given up after that, not after the two minutes of the system: a page waits."""


def _database() -> dict[str, Any]:
    """SQLite keeps every acknowledged write through a power cut: `synchronous=FULL`, one writer at a time."""
    if CONFIG.database_url and not CONFIG.database_url.startswith("sqlite"):
        server: dict[str, Any] = dict(
            dj_database_url.parse(CONFIG.database_url, conn_max_age=60, conn_health_checks=True)
        )
        return {**server, "OPTIONS": {"connect_timeout": CONNECT_WITHIN_S, **server.get("OPTIONS", {})}}
    address = CONFIG.database_url or f"sqlite:///{CONFIG.home / 'tocsin.sqlite3'}"
    return {
        **dj_database_url.parse(address),
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;",
        },
    }


DATABASES = {"default": _database()}

AUTH_USER_MODEL = "people.Person"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
_VALIDATION = "django.contrib.auth.password_validation"
AUTH_PASSWORD_VALIDATORS: list[dict[str, Any]] = [
    {"NAME": f"{_VALIDATION}.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": f"{_VALIDATION}.UserAttributeSimilarityValidator", "OPTIONS": {"user_attributes": ("email", "name")}},
    {"NAME": f"{_VALIDATION}.CommonPasswordValidator"},
    {"NAME": f"{_VALIDATION}.NumericPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
SESSION_COOKIE_AGE = 12 * 3600
ACCOUNT_ADAPTER = "tocsin.people.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_FORMS = {"login": "tocsin.people.forms.SignInForm"}
ACCOUNT_RATE_LIMITS = False
"""Attempts are counted by `people.limiter`, passwords and codes together."""
MFA_ADAPTER = "tocsin.people.adapter.SecondFactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes", "webauthn"]
MFA_FORMS = {
    "authenticate": "tocsin.people.forms.SecondFactorForm",
    "authenticate_webauthn": "tocsin.people.passkey_forms.PasskeyForm",
}
PASSKEY_HOST = addresses.public_host(CONFIG)
"""The name to which passkeys belong: the first public one; none where the instance serves this machine alone."""
MFA_TOTP_TOLERANCE = 1
MFA_RECOVERY_CODES_SHOW_ONCE = True
CACHES = {
    # Sign-in attempts are counted here: one count for all processes, which a restart does not forget.
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "people_limiter",
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    },
}
TOCSIN_TEAM_NAME = CONFIG.team_name
TOCSIN_BIND = CONFIG.bind
TOCSIN_TRUSTED_PROXIES = CONFIG.trusted_proxies
TOCSIN_IS_DEMO = instance.is_demonstration(CONFIG.home)
"""`tocsin demo` marks its data directory by that file."""
TOCSIN_TODAY = instance.demonstrated_day(CONFIG.home)
"""The day on which a demonstration stands still; None where the clock says which day it is."""

LOGGING: dict[str, Any] = {
    # Why a page failed, on standard error, where the service's log is: without it nobody would ever know.
    # Whatever is logged goes through one formatter, which leaves the secret parts of links out.
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"discreet": {"()": "tocsin.site.log_lines.Discreet"}},
    "filters": {"untold": {"()": "tocsin.site.log_lines.Untold"}},
    "handlers": {
        "stderr": {"class": "logging.StreamHandler", "formatter": "discreet"},
        "errors": {"class": "logging.StreamHandler", "formatter": "discreet", "level": "ERROR"},
        "nowhere": {"class": "logging.NullHandler"},
    },
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {
        "django": {"handlers": ["nowhere"], "level": "INFO", "propagate": False},
        # When it is loaded Dask sets a level of its own, lower than ours, and tells of each connection that it opens.
        "distributed": {"handlers": ["errors"], "propagate": False},
        "django.request": {"handlers": ["stderr"], "filters": ["untold"], "level": "ERROR", "propagate": False},
    },
}

LANGUAGE_CODE = CONFIG.language
LANGUAGES = [("en", "English"), ("fr", "Français")]
LOCALE_PATHS = [LOCALE]
WORK_BY_JOBS = False
"""Set by the web process: long work is handed to the worker. Commands do it themselves."""
PAGES_WAIT_S = 10.0
"""How long a page waits for work that it has done by others, before it says that the work goes on."""
HELPER_COMMAND = [sys.executable, "-m", "tocsin.site.serving.worker", "--only"]
"""Starts a process that does one kind of work which a page waits for; the kind comes after it."""
USE_TZ = True
TIME_ZONE = CONFIG.time_zone

STATIC_URL = "/static/"
TOCSIN_STATIC = CONFIG.home / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "tocsin.site.static_files.StaticFileNames"},
}
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"
SHOW_PARTS = DEBUG or TOCSIN_IS_DEMO
"""Whether /parts/ shows the design system."""

UNDER_TLS = CONFIG.tls_cert is not None or bool(CONFIG.trusted_proxies)
_HOST = "__Host-" if UNDER_TLS else ""
"""A cookie so named is only taken from this very host, over TLS."""
SESSION_COOKIE_NAME = f"{_HOST}session"
CSRF_COOKIE_NAME = f"{_HOST}csrf"
LANGUAGE_COOKIE_NAME = f"{_HOST}language"
DEVICE_COOKIE_NAME = f"{_HOST}device"
LINK_COOKIE_NAME = f"{_HOST}link"
ELSEWHERE_COOKIE_NAME = f"{_HOST}elsewhere"
VISIT_COOKIE_NAME = f"{_HOST}visit"
KEYS_COOKIE_NAME = f"{_HOST}keys"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = UNDER_TLS
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = LANGUAGE_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = LANGUAGE_COOKIE_SAMESITE = "Lax"
SECURE_HSTS_SECONDS = 31_536_000 if UNDER_TLS else 0
SECURE_REFERRER_POLICY = "same-origin"
