"""What stands around a client: the operator who registers it and the portal that logs somebody in.

Both are jeton's admin API; the library under test never sees these requests.
"""

import os
import time

import requests

ISSUER = os.environ["JETON_ISSUER"]
CALLBACK = "https://client.example/callback"
METADATA = requests.get(f"{ISSUER}/.well-known/openid-configuration", timeout=20).json()


def check(holds, message):
    if not holds:
        raise SystemExit(f"deviation: {message}")


def _admin(path, body, status=201):
    answer = requests.post(
        f"{os.environ['JETON_ADMIN_URL']}/admin/v1/issuers/{os.environ['JETON_ISSUER_ID']}/{path}",
        json=body,
        headers={"Authorization": f"Bearer {os.environ['JETON_ADMIN_TOKEN']}"},
        timeout=20,
    )
    check(answer.status_code == status, f"{path}: {answer.status_code} {answer.text}")
    return answer.json() if answer.content else None


def approve(user_code):
    """The person at the portal's page for user codes."""
    _admin(f"device/{user_code}/approve", {"subject": "alice"}, 204)


def register(**metadata):
    return _admin("clients", metadata)


def register_web(**more):
    return register(
        grant_types=["authorization_code", "refresh_token"],
        redirect_uris=[CALLBACK],
        scope="openid profile offline_access api:read",
        **more,
    )


def redirect(client, state, **more):
    """The redirect that would reach the client: its callback with a code."""
    body = {
        "client_id": client["client_id"],
        "redirect_uri": CALLBACK,
        "subject": "alice",
        "scope": "openid offline_access api:read",
        "auth_time": int(time.time()),
        **more,
    }
    return f"{CALLBACK}?code={_admin('codes', body)['code']}&state={state}"


def visit(url):
    """The browser of somebody who logs in: where the portal sends it, having come from an authorization URL."""
    answer = requests.get(url, allow_redirects=False, timeout=20)
    check("Location" in answer.headers, f"the portal: {answer.status_code} {answer.text}")
    return answer.headers["Location"]
