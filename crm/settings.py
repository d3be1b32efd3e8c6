"""All settings, read from the environment; safe by default. A bad value stops the start with a line that names it."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pghistory
from django.utils.translation import gettext_lazy as _

from crm import env

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = Path(env.text("DATA_DIR", str(BASE_DIR / ".data"))).resolve()

# --- Who we are ------------------------------------------------------------------------------------------------------
DEBUG = env.flag("DEBUG", False)
DEMO = env.flag("DEMO", False)
SECRET_KEY = env.text("SECRET_KEY")
ALLOWED_HOSTS = env.names("ALLOWED_HOSTS")
BASE_URL = env.address("BASE_URL", None, schemes={"http", "https"}).geturl().rstrip("/")
if not urlsplit(BASE_URL).hostname:
    raise env.BadValue("BASE_URL", "names no host: https://crm.example.com")
HTTPS = BASE_URL.startswith("https://")
TRUSTED_PROXY_COUNT = env.integer("TRUSTED_PROXY_COUNT", 0, low=0, high=10)  # proxies that append to X-Forwarded-For
WEB_THREADS = env.integer("WEB_THREADS", 4, low=1, high=64)  # of one web process, as gunicorn is told

# --- What we are made of ---------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.admin",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "django_filters",
    "crispy_forms",
    "crispy_bootstrap5",
    "django_htmx",
    "template_partials.apps.SimpleAppConfig",  # its loader is named in TEMPLATES below
    "csp",
    "pgtrigger",
    "pghistory",
    "crm.core",
    "users",
    "mail",
    "contacts",
    "deals",
    "leads",
    "activities",
    "reports",
]
MIDDLEWARE = [
    "crm.core.health.HealthMiddleware",  # before everything: probes come by address, without host name, cookie or TLS
    "crm.core.courtesy.CourtesyMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "crm.core.logs.RequestLogMiddleware",
    "crm.core.headers.PermissionsPolicyMiddleware",
    "csp.middleware.CSPMiddleware",  # this far out, so that refusals of those below carry it as well
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "users.middleware.PersonMiddleware",  # request.user
    "users.middleware.SignInMiddleware",  # everything asks for it that does not say otherwise
    "users.middleware.SetUpMiddleware",  # before the first admin exists every page leads to /setup/
    "users.middleware.UserLocaleMiddleware",  # the person's language and time zone
    "django.contrib.messages.middleware.MessageMiddleware",
    "users.middleware.ViewAsMiddleware",  # an admin who looks as a colleague changes nothing
    "allauth.account.middleware.AccountMiddleware",
    "allauth.usersessions.middleware.UserSessionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "crm.core.audit.AuditContextMiddleware",
    "crm.core.limits.TimeLimitMiddleware",
]
if env.flag("RAPPORT_BENCH", False):  # set by `make bench` alone
    MIDDLEWARE.insert(0, "crm.core.bench.BenchMiddleware")
ROOT_URLCONF = "crm.urls"
WSGI_APPLICATION = "crm.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
RECORDS = "crm.wiring.RECORDS"
NAVIGATION = "crm.wiring.NAVIGATION"
PHONE_REGION = "users.selectors.phone_region"  # country of numbers typed without one
EVENT_SUBSCRIPTIONS = "crm.wiring.SUBSCRIPTIONS"
AFTER_RESTORE = ["mail.services.hold_unsent", "crm.core.outbox.hold_pending", "activities.services.drop_missed_reminders"]

_LOADERS = ["django.template.loaders.filesystem.Loader", "django.template.loaders.app_directories.Loader"]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "loaders": [
                (
                    "template_partials.loader.Loader",
                    _LOADERS if DEBUG else [("django.template.loaders.cached.Loader", _LOADERS)],
                )
            ],
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "crm.core.context.shell",
            ],
            "builtins": ["template_partials.templatetags.partials", "crm.core.templatetags.ui"],
        },
    }
]
CRISPY_ALLOWED_TEMPLATE_PACKS = CRISPY_TEMPLATE_PACK = "bootstrap5"
CRISPY_FAIL_SILENTLY = False

# --- Database and caches ---------------------------------------------------------------------------------------------
# How long one statement of a page may take (crm/core/limits.py). Workers, migrations and backups take as long as they need.
WEB_STATEMENT_SECONDS = env.integer("WEB_STATEMENT_SECONDS", 10, low=0, high=600)  # 0: no limit


def _server(name: str, connect_timeout: int) -> dict[str, object]:
    process = env.text("CRM_PROCESS", "rapport")
    options = {"connect_timeout": connect_timeout, "application_name": process}
    if process == "web" and WEB_STATEMENT_SECONDS:
        options["options"] = env.time_limits(WEB_STATEMENT_SECONDS)
    # Services open their own transactions; mail and files stay outside them.
    return env.database(name, options) | {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True, "ATOMIC_REQUESTS": False}


DATABASES = {"default": _server("DATABASE_URL", 5)}
# For reading lists and reports; everything else and every write asks the one above (docs/decisions/replica.md).
DATABASE_REPLICA_MAX_LAG = env.integer("DATABASE_REPLICA_MAX_LAG", 30, low=10, high=3600)  # seconds; a replica that is later is not used
if env.text("DATABASE_REPLICA_URL", ""):
    DATABASES["replica"] = _server("DATABASE_REPLICA_URL", 2)
    MIDDLEWARE.append("crm.core.replica.ReplicaMiddleware")
# History is asked for by record and by request, not by the records that a row then pointed to: each index would be one more to write.
PGHISTORY_FOREIGN_KEY_FIELD = pghistory.ForeignKey(db_index=False)
PGHISTORY_OBJ_FIELD = pghistory.ObjForeignKey(db_index=True)
PGHISTORY_CONTEXT_FIELD = pghistory.ContextForeignKey(db_index=True)
REDIS_URL = env.redis("REDIS_URL")
# "fragments" keeps pieces of pages in the memory of the process; their keys name all that they depend on.
# "default" lives in PostgreSQL: allauth counts sign-in attempts there, and that must neither stop people from signing
# in nor forget its counts when Redis is away. "fast" is Redis and soft: without it, things are computed again.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "cache_entries",  # made by `manage.py createcachetable`, which every deployment runs after migrate
        "OPTIONS": {"MAX_ENTRIES": 20_000, "CULL_FREQUENCY": 4},
    },
    "fragments": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "fragments", "OPTIONS": {"MAX_ENTRIES": 2000}},
    "fast": {
        "BACKEND": "crm.core.caches.SoftRedisCache",
        "LOCATION": [env.redis("CACHE_URL", REDIS_URL)],
        "KEY_PREFIX": "rapport",
        "OPTIONS": {"socket_timeout": 1, "socket_connect_timeout": 1, "pool_class": "crm.core.caches.Pool"},
    },
}

# --- Signing in ------------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "users.User"
AUTHENTICATION_BACKENDS = [
    "users.backends.Backend",  # allauth's sign-in by e-mail; the user comes with role and team in one query
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/accounts/login/"
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
PASSWORD_RESET_TIMEOUT = 24 * 3600
ACCOUNT_ADAPTER = "users.adapter.AccountAdapter"  # closes open sign-up
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_UNIQUE_EMAIL = True
ACCOUNT_EMAIL_VERIFICATION = "none"  # people come by invitation, which proves the address
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False  # no mail to strangers who are typed into the reset form
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False
ACCOUNT_REAUTHENTICATION_REQUIRED = not DEMO
ACCOUNT_REAUTHENTICATION_TIMEOUT = 30 * 60
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if HTTPS else "http"
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_RATE_LIMITS = {
    "login": "60/m/ip",  # an office shares one address
    "login_failed": "20/m/ip,10/900s/key",
}
ALLAUTH_TRUSTED_PROXY_COUNT = TRUSTED_PROXY_COUNT
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_TOTP_ISSUER = "Rapport"
MFA_ALLOW_UNVERIFIED_EMAIL = True  # see ACCOUNT_EMAIL_VERIFICATION
MFA_REAUTHENTICATION_REQUIRED = not DEMO
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = urlsplit(BASE_URL).hostname == "localhost"
# A session is noted when it begins; noting each request would cost a write per page.
USERSESSIONS_TRACK_ACTIVITY = False

SESSION_ENGINE = "users.backends"  # Django's, in the database: signing in must work without Redis
SESSION_COOKIE_AGE = 7 * 24 * 3600
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_NAME = "__Host-rapport" if HTTPS else "rapport"
CSRF_TRUSTED_ORIGINS = ["{0.scheme}://{0.netloc}".format(urlsplit(BASE_URL))]
# "Saved." travels in a signed cookie: in the session it would cost two more transactions, one to write and one to forget it.
MESSAGE_STORAGE = "django.contrib.messages.storage.fallback.FallbackStorage"

# --- Headers ---------------------------------------------------------------------------------------------------------
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:", "blob:"],  # data: is Bootstrap's check and chevron pictures
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "manifest-src": ["'self'"],
        "worker-src": ["'self'"],
        "frame-src": ["'self'"],
        "media-src": ["'self'"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
if TRUSTED_PROXY_COUNT:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
# W021 asks for HSTS "preload": to join the browsers' lists is the decision of the domain's owner, not of one program on it.
SILENCED_SYSTEM_CHECKS = ["security.W021"]

# --- Files -----------------------------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
MEDIA_ROOT = DATA_DIR / "media"  # never served by address: views check the right and send the file
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
FILE_UPLOAD_PERMISSIONS = 0o600
FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o700

# --- Mail (sent by the mail app from its ledger; Django's own backend is set alike for errors and reset mails) -----------
MAIL_TRANSPORT = env.mail("EMAIL_URL", str(DATA_DIR / "mail"))
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = env.text("MAIL_FROM", f"rapport@{urlsplit(BASE_URL).hostname}")
SERVER_EMAIL = DEFAULT_FROM_EMAIL
if MAIL_TRANSPORT["kind"] == "smtp":
    EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    EMAIL_HOST, EMAIL_PORT = MAIL_TRANSPORT["host"], MAIL_TRANSPORT["port"]
    EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = MAIL_TRANSPORT["username"], MAIL_TRANSPORT["password"]
    EMAIL_USE_TLS, EMAIL_USE_SSL = MAIL_TRANSPORT["starttls"], MAIL_TRANSPORT["ssl"]
else:
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    EMAIL_FILE_PATH = MAIL_TRANSPORT["directory"]

# --- Language and time -----------------------------------------------------------------------------------------------
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("de", _("German"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = USE_TZ = True
USE_THOUSAND_SEPARATOR = False
TIME_ZONE = "UTC"

# --- Logs: one JSON object per line (crm.core.logs) -----------------------------------------------------------------------
LOG_LEVEL = env.text("LOG_LEVEL", "INFO").upper()
if LOG_LEVEL not in {"DEBUG", "INFO", "WARNING", "ERROR"}:
    raise env.BadValue("LOG_LEVEL", "must be DEBUG, INFO, WARNING or ERROR")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "crm.core.logs.JsonFormatter"}},
    "handlers": {"stdout": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout", "formatter": "json"}},
    "root": {"handlers": ["stdout"], "level": LOG_LEVEL},
    "loggers": {
        # Django's own set-up gives this one a second handler and mails; the access log already tells of every 4xx.
        "django": {"handlers": [], "level": LOG_LEVEL, "propagate": True},
        "django.request": {"level": "ERROR"},
        "django.db.backends": {"level": "WARNING"},
        "celery": {"level": LOG_LEVEL},
        "celery.app.trace": {"level": "WARNING"},  # "succeeded" for each of some ten sweeps a minute
        "celery.worker.strategy": {"level": "WARNING"},
        "celery.beat": {"level": "WARNING"},
        "kombu": {"level": "WARNING"},
        "gunicorn.http.wsgi": {"level": "ERROR"},  # it warns of each HEAD request
        "amqp": {"level": "WARNING"},
    },
}
