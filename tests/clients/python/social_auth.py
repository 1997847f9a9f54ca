"""social-auth-core (PyPI): its OpenIdConnectAuth in a Django site, set up as the documentation has it: a login through
the portal to a user of the site, and a refresh, which goes by the body where the code went by Basic."""

from urllib.parse import urlsplit

import django
from django.conf import settings
from django.http import HttpResponse
from django.urls import include, path

from portal import ISSUER, METADATA, check, register, visit

SITE = "https://site.example"

settings.configure(
    SECRET_KEY="of nothing",
    ALLOWED_HOSTS=["site.example"],
    ROOT_URLCONF=__name__,
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
        "social_django",
    ],
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ],
    AUTHENTICATION_BACKENDS=["social_core.backends.open_id_connect.OpenIdConnectAuth"],
    LOGIN_REDIRECT_URL="/profile",
    SOCIAL_AUTH_OIDC_OIDC_ENDPOINT=ISSUER,
    SOCIAL_AUTH_OIDC_SCOPE=["offline_access"],
    SOCIAL_AUTH_OIDC_USE_PKCE=True,
)
django.setup()

# these need a configured Django
from django.core.management import call_command  # noqa: E402
from django.test import Client, override_settings  # noqa: E402
from social_django.models import UserSocialAuth  # noqa: E402
from social_django.utils import load_strategy  # noqa: E402

urlpatterns = [
    path("", include("social_django.urls", namespace="social")),
    path("profile", lambda request: HttpResponse(request.user.username)),
]


def login():
    """Goes as a browser does, through the portal, and comes back logged in."""
    browser = Client(headers={"host": "site.example"})
    begun = browser.post("/login/oidc/", secure=True)
    check(begun.status_code == 302, begun.content)
    check(begun["Location"].startswith(METADATA["authorization_endpoint"]), begun["Location"])
    back = urlsplit(visit(begun["Location"]))
    done = browser.get(f"{back.path}?{back.query}", secure=True)
    check(done.status_code == 302 and done["Location"] == "/profile", f"{done.status_code} {done.content}")
    profile = browser.get("/profile", secure=True)
    check(profile.content == b"alice", profile.content)


def refresh():
    account = UserSocialAuth.objects.get(provider="oidc")
    check(account.uid == "alice", account.uid)
    before = account.extra_data["refresh_token"], account.extra_data["access_token"]
    account.refresh_token(load_strategy())
    account.refresh_from_db()
    after = account.extra_data["refresh_token"], account.extra_data["access_token"]
    check(after[0] != before[0] and after[1] != before[1], "a refreshed token")


call_command("migrate", verbosity=0)
for method in ("client_secret_basic", "client_secret_post"):
    client = register(
        token_endpoint_auth_method=method,
        grant_types=["authorization_code", "refresh_token"],
        redirect_uris=[f"{SITE}/complete/oidc/"],
        scope="openid profile email offline_access",
    )
    known = {"SOCIAL_AUTH_OIDC_KEY": client["client_id"], "SOCIAL_AUTH_OIDC_SECRET": client["client_secret"]}
    with override_settings(**known):
        login()
        refresh()
