"""Settings of the whole product. What a host may set comes from the environment (the table is in kit/README.md).

Importing this module touches no file but those it reads: commands that need the database make the data
directory, the secret key and the passwords first (`leadpact.kit.commands`).
"""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any
from urllib.parse import unquote, urlsplit

from csp.constants import NONE, SELF
from environs import Env

from leadpact.kit.environment import secret
from leadpact.kit.places import data_directory, secret_key_file
from leadpact.kit.postgres import database
from leadpact.site.logs import logging_settings

env = Env()
DATA = data_directory()

# --- Who and where -------------------------------------------------------------------------------------------------
DEBUG = env.bool("LEADPACT_DEBUG", False)
_kept_key = secret_key_file(DATA)
SECRET_KEY = secret("SECRET_KEY") or (
    _kept_key.read_text(encoding="utf-8").strip() if _kept_key.exists() else secrets.token_urlsafe(50)
)

PUBLIC_URL = env.str("LEADPACT_URL", "").rstrip("/")
"""The address people and mails use, "https://leads.northwind.example"; empty on one's own machine."""
_public = urlsplit(PUBLIC_URL)
ALLOWED_HOSTS = [
    "localhost",
    "127.0.0.1",
    "[::1]",
    *([_public.hostname] if _public.hostname else []),
    *env.list("LEADPACT_HOSTS", []),
]
if _public.scheme:
    CSRF_TRUSTED_ORIGINS = [f"{_public.scheme}://{_public.netloc}"]
# With an https address there is a proxy in front that ends TLS and says so in this header.
if _public.scheme == "https":
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = 3600 * 24 * 30
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True

# --- Rooms ---------------------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "leadpact.site",
    "leadpact.loop",
    "leadpact.capture",
    "leadpact.qualification",
    "leadpact.nurturing",
    "leadpact.distribution",
    "leadpact.tracking",
    "leadpact.tuning",
    "leadpact.agreement",
    "leadpact.custody",
    "leadpact.leads",
    "leadpact.team",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "django.contrib.staticfiles",
    "procrastinate.contrib.django",
    "django_htmx",
    "lucide",
    "csp",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "axes",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "leadpact.site.logs.RequestLog",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "leadpact.site.urls"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]

# --- Database ------------------------------------------------------------------------------------------------------
_server = database(DATA)
# The web server sets the size of a worker's pool; commands and jobs take one connection and need none.
_pool = env.int("LEADPACT_POOL", 0)
# One thread for each connection: with more, they would only wait for one another.
LEADPACT_THREADS = _pool or 4


def _connection(role: Any, *, pool: int = 0) -> dict[str, Any]:
    found = _server.parameters(role)
    known = {key: found.pop(key, "") for key in ("dbname", "user", "password", "host", "port")}
    # Prepared statements of the hot paths are planned once: their shape does not depend on what a batch holds, and planning an
    # agreement's query anew costs more than running it for a hundred leads.
    settings = "-c plan_cache_mode=force_generic_plan -c jit=off"
    options: dict[str, Any] = {
        "application_name": f"leadpact {role}",
        "options": settings,
        "prepare_threshold": 5,
        **found,
    }
    if pool:
        options["pool"] = {"min_size": 1, "max_size": pool, "timeout": 20}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": known["dbname"],
        "USER": known["user"],
        "PASSWORD": known["password"],
        "HOST": known["host"],
        "PORT": known["port"],
        # A connection that a restart of the database has cut is noticed before it is used.
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": options,
    }


# Two roles on one database: "default" reads and writes rows, "owner" makes and changes tables.
DATABASES = {"default": _connection("app", pool=_pool), "owner": _connection("owner")}
DATABASE_ROUTERS = ["leadpact.kit.migrations.OwnerMigrates"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
PROCRASTINATE_AUTODISCOVER_MODULE_NAME = "jobs"

# --- People --------------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "team.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
ACCOUNT_ADAPTER = "leadpact.site.adapter.ByInvitation"
ACCOUNT_FORMS = {"login": "leadpact.team.forms.LogInForm"}
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
# An address was proved by the invitation that reached it.
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = True
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = "leadpact"
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_LOGOUT_REDIRECT_URL = "/"
SESSION_COOKIE_AGE = int(timedelta(days=14).total_seconds())
# Eight wrong passwords for one address from one place: a quarter of an hour's pause.
AXES_FAILURE_LIMIT = 8
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_USERNAME_FORM_FIELD = "email"
AXES_RESET_ON_SUCCESS = True
AXES_VERBOSE = False
AXES_LOCKOUT_TEMPLATE = "locked_out.html"

# --- Browsers ------------------------------------------------------------------------------------------------------
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    },
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024

# --- Static files --------------------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = DATA / "static"
# `leadpact serve` collects them, hashed, into the data directory; before that they come straight from the packages.
_collected = not DEBUG and (STATIC_ROOT / "staticfiles.json").exists()
WHITENOISE_USE_FINDERS = not _collected
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if _collected
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}

# --- Mail ----------------------------------------------------------------------------------------------------------
# smtp://user:password@host:587 (STARTTLS), smtps://…:465, or empty: then nothing is sent and links are shown instead.
_smtp = urlsplit(secret("SMTP_URL"))
MAIL_WORKS = bool(_smtp.hostname)
EMAIL_BACKEND = f"django.core.mail.backends.{'smtp' if MAIL_WORKS else 'dummy'}.EmailBackend"
if MAIL_WORKS:
    EMAIL_HOST = _smtp.hostname
    EMAIL_PORT = _smtp.port or (465 if _smtp.scheme == "smtps" else 587)
    EMAIL_HOST_USER = unquote(_smtp.username or "")
    EMAIL_HOST_PASSWORD = unquote(_smtp.password or "")
    EMAIL_USE_SSL = _smtp.scheme == "smtps"
    # A mail server on this very machine (port 25) speaks plainly; any other is asked for STARTTLS.
    EMAIL_USE_TLS = _smtp.scheme == "smtp" and EMAIL_PORT != 25
    EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = env.str("LEADPACT_FROM", f"leadpact@{_public.hostname or 'localhost'}")

# --- The rest ------------------------------------------------------------------------------------------------------
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
LOGGING_CONFIG = "logging.config.dictConfig"
LOGGING = logging_settings(
    level=env.str("LEADPACT_LOG_LEVEL", "WARNING").upper(), plain=env.str("LEADPACT_LOG", "json") == "plain"
)
SILENCED_SYSTEM_CHECKS: list[str] = []
