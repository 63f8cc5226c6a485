"""All settings, read once from the environment. Every wait of the product has its deadline here, in seconds."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from pathlib import Path

import dj_database_url
from django.core.exceptions import ImproperlyConfigured
from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _

from agents.backoff import MAX_AGENT_PAUSE
from axion_deploy import env
from axion_deploy.configuration import rest
from axion_deploy.configuration.logs import logging_config
from axion_deploy.languages.script_words import address_of_words
from axion_deploy.menus import ACCOUNT_MENU, SIDEBAR
from axion_deploy.operator_docs import api_introduction

BASE_DIR = Path(__file__).resolve().parent.parent

DEBUG = env.switch("AXION_DEBUG", default=False)
SECRET_KEY = env.text("AXION_SECRET_KEY")
ALLOWED_HOSTS = env.words("AXION_ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = env.words("AXION_CSRF_TRUSTED_ORIGINS")
# Where people reach the pages, for links in messages; by itself the first origin that is no pattern.
AXION_PUBLIC_URL = env.web_address(
    "AXION_PUBLIC_URL", next((origin for origin in CSRF_TRUSTED_ORIGINS if "*" not in origin), "")
)
AXION_BEHIND_TLS = env.switch("AXION_BEHIND_TLS", default=False)
# Proxies that are believed when they say who came to them and whether by TLS. Where TLS ends at one, there is one.
AXION_TRUSTED_PROXIES = env.networks("AXION_TRUSTED_PROXIES", "127.0.0.1,::1" if AXION_BEHIND_TLS else "")
# From anybody else the header never gets here: see axion_deploy/forwarded.py.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if AXION_BEHIND_TLS else None
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = AXION_BEHIND_TLS
SECURE_SSL_REDIRECT = AXION_BEHIND_TLS
# Load balancers and Docker's own check ask the process itself, without TLS.
SECURE_REDIRECT_EXEMPT = [r"^healthz(/events)?$"]
SECURE_HSTS_SECONDS = env.number("AXION_HSTS_SECONDS", 31_536_000) if AXION_BEHIND_TLS else 0
# Other names below ours, and browsers' lists of names, are not this installation's to decide about.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
# Cookies know no ports: names of this installation alone keep two on one host apart, and by TLS the prefix keeps
# anybody who answers under the same name without TLS, or under a part of it, from setting them.
_COOKIES = f"{'__Host-' if AXION_BEHIND_TLS else ''}axion-{hashlib.sha256(SECRET_KEY.encode()).hexdigest()[:8]}"
SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = f"{_COOKIES}-session", f"{_COOKIES}-csrf"
# Without a request for as long; `axion_deploy/session_age.py` lets it begin anew.
SESSION_COOKIE_AGE = env.number("AXION_SESSION_IDLE_SECONDS", 12 * 3600, at_least=60)

INSTALLED_APPS = [
    "axion_deploy",
    "axion_deploy.prefork",
    "unfold",
    # Its pages are loaded with the routes: of all processes, only web serves them.
    "django.contrib.admin.apps.SimpleAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "channels",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "knox",
    "django_rq",
    "deployments",
    "agents",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "axion_deploy.content_policy.ContentPolicyMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "axion_deploy.languages.page_language.PageLanguageMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "axion_deploy.session_age.SessionAgeMiddleware",
    "axion_deploy.fresh_password.FreshPasswordMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "axion_deploy.urls"
ASGI_APPLICATION = "axion_deploy.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "builtins": [
                "django.templatetags.i18n",
                "agents.templatetags.moments",
                "axion_deploy.templatetags.sentences",
            ],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]

DATABASES = {"default": dj_database_url.parse(env.text("DATABASE_URL"), conn_max_age=600, conn_health_checks=True)}
DATABASES["default"].setdefault("OPTIONS", {}).setdefault("connect_timeout", 5)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "deployments.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}Validator"}
    for name in ("UserAttributeSimilarity", "MinimumLength", "CommonPassword", "NumericPassword")
]

REDIS_URL = env.text("REDIS_URL")
# The layer waits 5 s at a time for messages: a read that gave up just then would end every quiet socket.
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.core.RedisChannelLayer",
        "CONFIG": {"hosts": [{"address": REDIS_URL, "socket_timeout": 20}], "capacity": 500},
    }
}
# Counts how often who asked for what; nothing that matters when it is lost.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "axion",
        # Whoever writes to Redis must not run code here, which pickle, the default of both, would.
        "OPTIONS": {
            "socket_timeout": 1,
            "socket_connect_timeout": 1,
            "serializer": "axion_deploy.cached.JsonSerializer",
        },
    }
}
RQ_QUEUES = dict.fromkeys(("deployments", "installations"), env.queue(REDIS_URL))
KAFKA_BROKERS = env.words("KAFKA_BROKERS")
# How every client of ours speaks to the brokers: plaintext alone is for a network that nobody else is in.
AXION_KAFKA_SECURITY = env.choice(
    "AXION_KAFKA_SECURITY", "PLAINTEXT", among=("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
)
# Paths: who signed the brokers' certificates (without it the system's authorities), our certificate and its key.
AXION_KAFKA_CA = env.text("AXION_KAFKA_CA", "")
AXION_KAFKA_CERT = env.text("AXION_KAFKA_CERT", "")
AXION_KAFKA_KEY = env.text("AXION_KAFKA_KEY", "")
AXION_KAFKA_SASL = env.choice("AXION_KAFKA_SASL", "SCRAM-SHA-512", among=("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"))
AXION_KAFKA_USER = env.text("AXION_KAFKA_USER", "")
AXION_KAFKA_PASSWORD = env.text("AXION_KAFKA_PASSWORD", "")
if AXION_KAFKA_SECURITY.startswith("SASL") and not (AXION_KAFKA_USER and AXION_KAFKA_PASSWORD):
    raise ImproperlyConfigured("AXION_KAFKA_SECURITY asks for SASL: set AXION_KAFKA_USER and AXION_KAFKA_PASSWORD.")
# A superuser sees every project: over Kafka only where that is wanted, as readers of a topic may have a token of one.
AXION_KAFKA_SUPERUSERS = env.switch("AXION_KAFKA_SUPERUSERS", default=False)
# Never the group of a NestJS service: its members speak another assignment protocol.
AXION_KAFKA_GROUP = env.text("AXION_KAFKA_GROUP", "axion-deploy")
# Whether the gateway serves agents over the broker, too.
AXION_KAFKA_AGENTS = env.switch("AXION_KAFKA_AGENTS", default=False)
if AXION_KAFKA_AGENTS and not KAFKA_BROKERS:
    raise ImproperlyConfigured("AXION_KAFKA_AGENTS serves agents over the broker: set KAFKA_BROKERS.")
# Of topics that the consumer has to make.
AXION_KAFKA_PARTITIONS = env.number("AXION_KAFKA_PARTITIONS", 3, at_least=1)
# Threads for reads, and as many for what has an effect; each has a database connection.
AXION_KAFKA_CONCURRENCY = env.number("AXION_KAFKA_CONCURRENCY", 4, at_least=1)
# What makes a user id true: session, signed or trust (development alone).
AXION_KAFKA_IDENTITY = env.choice("AXION_KAFKA_IDENTITY", "session", among=("session", "signed", "trust"))
AXION_KAFKA_SERVICE_KEYS = env.service_keys("AXION_KAFKA_SERVICE_KEYS")
# What each of these services may ask for, so that a key that leaks opens no more than that; without a line, everything.
AXION_KAFKA_SERVICE_PATTERNS = env.service_patterns("AXION_KAFKA_SERVICE_PATTERNS", services=AXION_KAFKA_SERVICE_KEYS)

LANGUAGE_CODE = "en"
# What pages can speak: of these, what the reader's browser asks for. Programs and what is stored get English.
KNOWN_LANGUAGES = {"en": "English", "ru": "Русский"}
_OFFERED = {LANGUAGE_CODE, *(env.some_of("AXION_LANGUAGES", {"en", "ru"}) or KNOWN_LANGUAGES)}
LANGUAGES = [(code, name) for code, name in KNOWN_LANGUAGES.items() if code in _OFFERED]
FORMAT_MODULE_PATH = ["axion_deploy.formats"]
TIME_ZONE = "UTC"
USE_TZ = True
STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "templates" / "static"]
WHITENOISE_USE_FINDERS = True
DOCS_ROOT = BASE_DIR / "build" / "docs"  # as mkdocs.yml says
LOGIN_URL = reverse_lazy("admin:login")
LOGIN_REDIRECT_URL = reverse_lazy("admin:index")
LOGGING = logging_config(level=env.text("AXION_LOG_LEVEL", "INFO"), as_json=env.switch("AXION_LOG_JSON", default=False))

REST_FRAMEWORK = rest.REST_FRAMEWORK
SPECTACULAR_SETTINGS = api_introduction.SPECTACULAR_SETTINGS
# Of tokens that are made without a word about their end.
REST_KNOX = {"TOKEN_TTL": timedelta(days=90)}
# Uploaded bundles are read whole, so a request is bounded a little above the largest bundle.
DATA_UPLOAD_MAX_MEMORY_SIZE = 52 * 1024 * 1024


UNFOLD = {
    "SITE_TITLE": "Axion Deploy",
    "SITE_HEADER": "Axion Deploy",
    "SITE_SUBHEADER": _("Deploy, watch, roll back"),
    "SITE_SYMBOL": "hub",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda _: static("axion/icon.svg")}],
    "SHOW_VIEW_ON_SITE": False,
    "SITE_URL": None,
    "ACCOUNT": ACCOUNT_MENU,
    "BORDER_RADIUS": "10px",
    "DASHBOARD_CALLBACK": "deployments.admin.site.dashboard",
    "STYLES": [lambda _: static("axion/axion.css")],
    "SCRIPTS": [
        address_of_words,
        *(
            lambda _, name=name: static(f"axion/{name}.js")
            for name in ("words", "times", "landmarks", "search", "keep", "confirm")
        ),
    ],
    "SIDEBAR": SIDEBAR,
}

# How often, counted in Redis for all processes: requests of one user; of one address where nobody was recognised, and
# by itself tries to enrol an agent; failed tries to sign in (of one name: sign_in_tries.py); new tokens of one user.
AXION_RATE_LIMIT = env.rate("AXION_RATE_LIMIT", "600/min")
AXION_RATE_ANONYMOUS = env.rate("AXION_RATE_ANONYMOUS", "60/min")
AXION_RATE_SIGN_IN = env.rate("AXION_RATE_SIGN_IN", "20/min")
AXION_RATE_TOKENS = env.rate("AXION_RATE_TOKENS", "30/hour")
# Plans and uploads of one user, which are done one at a time; below, what one user may have.
AXION_RATE_HEAVY = env.rate("AXION_RATE_HEAVY", "120/min")
AXION_MAX_PROJECTS = env.number("AXION_MAX_PROJECTS", 500, at_least=1)
AXION_MAX_SERVERS = env.number("AXION_MAX_SERVERS", 500, at_least=1)
AXION_MAX_GRAPH_VERSIONS = env.number("AXION_MAX_GRAPH_VERSIONS", 10_000, at_least=1)
AXION_MAX_CODE_BYTES = env.number("AXION_MAX_CODE_BYTES", 2 * 1024**3, at_least=1)
# Open connections of one web process, sockets and all; further ones are told to come back.
AXION_WEB_CONNECTIONS = env.number("AXION_WEB_CONNECTIONS", 2000, at_least=10)
AXION_SOCKETS_PER_USER = env.number("AXION_SOCKETS_PER_USER", 500, at_least=1)

AXION_ENCRYPTION_KEYS = env.encryption_keys("AXION_ENCRYPTION_KEYS")
# Which services of the platform are the source, each in place of our own tables. They are asked over Kafka.
AXION_PEERS = env.some_of("AXION_PEERS", {"graph", "infrastructure", "codegen", "auth"})
if AXION_PEERS and not KAFKA_BROKERS:
    raise ImproperlyConfigured("AXION_PEERS names services that are asked over Kafka: set KAFKA_BROKERS.")
# The folder that codegen-service writes to, as this process sees it.
AXION_CODE_FOLDER = env.text("AXION_CODE_FOLDER", "")
AXION_AGENT_IMAGE = env.text("AXION_AGENT_IMAGE", "axion-runner")
AXION_AGENT_WHEELS = env.text("AXION_AGENT_WHEELS", "") or str(BASE_DIR / "build" / "agent-wheels")
AXION_GATEWAY_BIND = env.text("AXION_GATEWAY_BIND", "127.0.0.1:50051")
AXION_GATEWAY_TLS_CERT = env.text("AXION_GATEWAY_TLS_CERT", "")
AXION_GATEWAY_TLS_KEY = env.text("AXION_GATEWAY_TLS_KEY", "")
AXION_GATEWAY_NAMES = env.words("AXION_GATEWAY_NAMES")
# Mutual TLS for agents with a certificate; empty: the port above. And where they reach it, if that is elsewhere.
AXION_GATEWAY_MUTUAL_BIND = env.text("AXION_GATEWAY_MUTUAL_BIND", "")
AXION_GATEWAY_MUTUAL_ADDRESS = env.text("AXION_GATEWAY_MUTUAL_ADDRESS", "")
# The address that a container's port is published on, where that decides who can reach it; else the bind does.
AXION_GATEWAY_PUBLISH = env.text("AXION_GATEWAY_PUBLISH", "")
# Tokens, credentials, commands and secrets in the clear beyond this machine: for a line that is safe by other means.
AXION_GATEWAY_PLAINTEXT = env.switch("AXION_GATEWAY_PLAINTEXT", default=False)
# Where /metrics listens: web here, the other kinds of processes on the ports above; by token alone beyond this machine.
AXION_METRICS_BIND = env.text("AXION_METRICS_BIND", "127.0.0.1:9464")
AXION_METRICS_TOKEN = env.text("AXION_METRICS_TOKEN", "")
AXION_HEARTBEAT_SECONDS = env.number("AXION_HEARTBEAT_SECONDS", 5, at_least=1)
AXION_AGENT_SILENT_AFTER = env.number("AXION_AGENT_SILENT_AFTER", 15, at_least=1)
# Being silent for as long as an agent's own pause between two attempts to connect is not being lost: shorter than this
# and a line that was down for a moment ends what worked all the while.
SILENCE_OF_AN_AGENT = int(MAX_AGENT_PAUSE) + 2 * AXION_HEARTBEAT_SECONDS + 5
AXION_AGENT_LOST_AFTER = env.number("AXION_AGENT_LOST_AFTER", 180, at_least=SILENCE_OF_AN_AGENT)
if AXION_AGENT_LOST_AFTER <= AXION_AGENT_SILENT_AFTER:
    raise ImproperlyConfigured("AXION_AGENT_LOST_AFTER must be more than AXION_AGENT_SILENT_AFTER.")
AXION_CLUSTER_TAKEOVER_AFTER = env.number("AXION_CLUSTER_TAKEOVER_AFTER", 30, at_least=AXION_AGENT_SILENT_AFTER)
# For hosts whose kernel lacks what Swarm's routing mesh and virtual addresses need.
AXION_SWARM_PORTS = env.choice("AXION_SWARM_PORTS", "ingress", among=("ingress", "host"))
AXION_SWARM_ENDPOINTS = env.choice("AXION_SWARM_ENDPOINTS", "vip", among=("vip", "dnsrr"))
# A pending deployment whose job has not taken it within this time gets another job.
AXION_TAKEOVER_AFTER = env.number("AXION_TAKEOVER_AFTER", 8, at_least=1)
# No network call is made inside a transaction, so one that says nothing for as long is of a process that is stopped or
# cut off: the server ends it, and what it had locked is free.
DATABASES["default"]["OPTIONS"].setdefault("options", f"-c idle_in_transaction_session_timeout={AXION_TAKEOVER_AFTER}s")
AXION_PENDING_DEADLINE = env.number("AXION_PENDING_DEADLINE", 3600, at_least=1)
AXION_DEPLOY_DEADLINE = env.number("AXION_DEPLOY_DEADLINE", 1800, at_least=1)
AXION_BUILD_DEADLINE = env.number("AXION_BUILD_DEADLINE", 1200, at_least=1)
AXION_CANCEL_DEADLINE = env.number("AXION_CANCEL_DEADLINE", 300, at_least=1)
# Days from a deployment's end, or newest deployments of a project. What runs and what history needs stays.
AXION_KEEP_LOGS_DAYS = env.number("AXION_KEEP_LOGS_DAYS", 30, at_least=1)
AXION_KEEP_DETAILS_DAYS = env.number("AXION_KEEP_DETAILS_DAYS", 90, at_least=1)
AXION_KEEP_DETAILS_NUMBER = env.number("AXION_KEEP_DETAILS_NUMBER", 1000, at_least=1)
# SMTP for forgotten passwords; without it administrators make links.
MAIL = env.mail("AXION_EMAIL_URL")
EMAIL_HOST, EMAIL_PORT, EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = MAIL.host, MAIL.port, MAIL.user, MAIL.password
EMAIL_USE_TLS, EMAIL_USE_SSL, EMAIL_TIMEOUT, DEFAULT_FROM_EMAIL = MAIL.starttls, MAIL.tls, env.MAIL_TIMEOUT, MAIL.sender
AXION_KEEP_AUDIT_DAYS = env.number("AXION_KEEP_AUDIT_DAYS", 365, at_least=1)
AXION_KEEP_UNUSED_DAYS = env.number("AXION_KEEP_UNUSED_DAYS", 7, at_least=1)
AXION_NOTIFICATION_HOSTS = env.words("AXION_NOTIFICATION_HOSTS")
AXION_JOB_ATTEMPTS = env.number("AXION_JOB_ATTEMPTS", 8, at_least=1)
