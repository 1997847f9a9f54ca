"""requests-oauthlib (PyPI), as its documentation sets it up: code with PKCE and refresh, client credentials.

Nothing here says how the secret is to be sent: the code goes by Basic, which a public client has with an empty password,
and a refresh with whatever it is told to carry in its body.
"""

import os

# for the issuer, too, is http on loopback here
os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"

from oauthlib.oauth2 import BackendApplicationClient, InvalidGrantError  # noqa: E402
from requests.auth import HTTPBasicAuth  # noqa: E402
from requests_oauthlib import OAuth2Session  # noqa: E402

from portal import CALLBACK, METADATA, check, register, register_web, visit  # noqa: E402

TOKEN = METADATA["token_endpoint"]
SCOPE = ["openid", "offline_access", "api:read"]


def web(method):
    client = register_web(token_endpoint_auth_method=method)
    client_id, client_secret = client["client_id"], client.get("client_secret")
    session = OAuth2Session(client_id, redirect_uri=CALLBACK, scope=SCOPE, pkce="S256")
    url, state = session.authorization_url(METADATA["authorization_endpoint"])
    back = visit(url)
    check(f"state={state}" in back, back)
    # client_secret=None: the default, which sends Basic with an empty password
    token = session.fetch_token(TOKEN, authorization_response=back, client_secret=client_secret, timeout=20)
    check(session.authorized and "id_token" in token, token)

    # "Refreshing tokens" of the documentation: the credentials go with the body
    extra = {"client_id": client_id}
    if client_secret:
        extra["client_secret"] = client_secret
    again = session.refresh_token(TOKEN, **extra, timeout=20)
    check(again["refresh_token"] != token["refresh_token"], "a rotated refresh token")
    if client_secret:
        # or by Basic, in a new process
        later = OAuth2Session(client_id, token=again)
        again = later.refresh_token(TOKEN, auth=HTTPBasicAuth(client_id, client_secret), timeout=20)
        check(later.authorized, "authorized")
    check("id_token" in again, again)
    try:
        session.refresh_token(TOKEN, refresh_token="nothing", **extra, timeout=20)
    except InvalidGrantError:
        return
    check(False, "an unknown refresh token gave tokens")


def service(method, given=None, **how):
    chosen = {"client_secret": given} if given else {}
    client = register(
        token_endpoint_auth_method=method, grant_types=["client_credentials"], scope="api:read", **chosen
    )
    client_id, client_secret = client["client_id"], given or client["client_secret"]
    session = OAuth2Session(client=BackendApplicationClient(client_id=client_id, scope=["api:read"]))
    token = session.fetch_token(
        token_url=TOKEN, client_id=client_id, client_secret=client_secret, timeout=20, **how
    )
    check(token["token_type"] == "Bearer" and token["expires_in"] > 0, token)
    seen = session.post(
        METADATA["introspection_endpoint"],
        data={"token": token["access_token"]},
        auth=HTTPBasicAuth(client_id, client_secret),
        withhold_token=True,
        timeout=20,
    )
    check(seen.status_code == 200 and seen.json()["active"], seen.text)


for name in ("client_secret_basic", "client_secret_post", "none"):
    web(name)
for name in ("client_secret_basic", "client_secret_post"):
    service(name)
    service(name, include_client_id=True)
# like one of `openssl rand -base64`: requests puts it into Basic as it is, though RFC 6749 section 2.3.1 has it encoded
service("client_secret_basic", given="u+1%41/8Gq0f+Zt%2Bm9w==")
