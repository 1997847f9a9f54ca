"""Authlib (PyPI): client credentials, code with PKCE, refresh, introspection, revocation, by every client method."""

from authlib.integrations.requests_client import OAuth2Session, OAuthError
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from portal import CALLBACK, METADATA, check, redirect, register, register_web

TOKEN = METADATA["token_endpoint"]
VERIFIER = "a-verifier-of-at-least-forty-three-characters-0123456789"


def session(client, **more):
    return OAuth2Session(
        client["client_id"],
        client.get("client_secret"),
        token_endpoint_auth_method=client["token_endpoint_auth_method"],
        revocation_endpoint_auth_method=client["token_endpoint_auth_method"],
        default_timeout=20,
        **more,
    )


def refused(call, code):
    try:
        call()
    except OAuthError as error:
        check(error.error == code, f"expected {code}, got {error}")
    else:
        check(False, f"expected {code}, got an answer")


def active(oauth, token):
    return oauth.introspect_token(METADATA["introspection_endpoint"], token=token).json()


def service(method):
    client = register(token_endpoint_auth_method=method, grant_types=["client_credentials"], scope="api:read")
    oauth = session(client, scope="api:read")
    token = oauth.fetch_token(TOKEN, grant_type="client_credentials")
    check(token["token_type"] == "Bearer" and token["expires_in"] > 0, token)
    seen = active(oauth, token["access_token"])
    check(seen["active"] and seen["client_id"] == client["client_id"], seen)
    answer = oauth.revoke_token(METADATA["revocation_endpoint"], token=token["access_token"])
    check(answer.status_code == 200, answer.text)
    check(active(oauth, token["access_token"]) == {"active": False}, "a revoked token is not active")
    wrong = session({**client, "client_secret": client["client_secret"] + "x"})
    refused(lambda: wrong.fetch_token(TOKEN, grant_type="client_credentials"), "invalid_client")


def web(method):
    client = register_web(token_endpoint_auth_method=method)
    oauth = session(client, redirect_uri=CALLBACK, state="state", code_challenge_method="S256")
    challenge = create_s256_code_challenge(VERIFIER)
    back = redirect(client, "state", code_challenge=challenge, code_challenge_method="S256")
    fetch = lambda: oauth.fetch_token(TOKEN, authorization_response=back, code_verifier=VERIFIER)  # noqa: E731
    token = fetch()
    check("id_token" in token and "refresh_token" in token, token)
    again = oauth.refresh_token(TOKEN, refresh_token=token["refresh_token"])
    check(again["refresh_token"] != token["refresh_token"], "a rotated refresh token")
    if method != "none":
        check(active(oauth, again["access_token"])["sub"] == "alice", "the subject")
    answer = oauth.revoke_token(
        METADATA["revocation_endpoint"], token=again["refresh_token"], token_type_hint="refresh_token"
    )
    check(answer.status_code == 200, answer.text)
    refused(lambda: oauth.refresh_token(TOKEN, refresh_token=again["refresh_token"]), "invalid_grant")
    refused(fetch, "invalid_grant")


for name in ("client_secret_basic", "client_secret_post"):
    service(name)
for name in ("client_secret_basic", "client_secret_post", "none"):
    web(name)
