"""Authlib (PyPI): private_key_jwt under every kind of key that it signs with, and client_secret_jwt."""

from authlib.integrations.requests_client import OAuth2Session, OAuthError
from authlib.oauth2.rfc7523 import ClientSecretJWT, PrivateKeyJWT
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from portal import METADATA, check, register

TOKEN = METADATA["token_endpoint"]


def session(client, key, method):
    oauth = OAuth2Session(
        client["client_id"],
        key,
        scope="api:read",
        token_endpoint_auth_method=method.name,
        revocation_endpoint_auth_method=method.name,
        default_timeout=20,
    )
    oauth.register_client_auth_method(method)
    return oauth


def works(client, oauth):
    token = oauth.fetch_token(TOKEN, grant_type="client_credentials")
    check(token["token_type"] == "Bearer" and token["expires_in"] > 0, token)
    # introspection takes the method of revocation; the assertion is for the token endpoint all the same
    seen = oauth.introspect_token(METADATA["introspection_endpoint"], token=token["access_token"]).json()
    check(seen["active"] and seen["client_id"] == client["client_id"], seen)
    again = oauth.fetch_token(TOKEN, grant_type="client_credentials")
    check(again["access_token"] != token["access_token"], "each request has an assertion of its own")


def refused(oauth):
    try:
        oauth.fetch_token(TOKEN, grant_type="client_credentials")
    except OAuthError as error:
        check(error.error == "invalid_client", error)
    else:
        check(False, "a wrong key was accepted")


def service(method, **more):
    return register(token_endpoint_auth_method=method, grant_types=["client_credentials"], scope="api:read", **more)


KINDS = {
    "RS256": lambda: RSAKey.generate_key(2048),
    "RS512": lambda: RSAKey.generate_key(3072),
    "PS256": lambda: RSAKey.generate_key(2048),
    "ES256": lambda: ECKey.generate_key("P-256"),
    "ES384": lambda: ECKey.generate_key("P-384"),
    "ES512": lambda: ECKey.generate_key("P-521"),
    "EdDSA": lambda: OKPKey.generate_key("Ed25519"),
}
for alg, generate in KINDS.items():
    key = generate()
    registered = service("private_key_jwt", jwks={"keys": [key.as_dict(private=False)]})
    works(registered, session(registered, key, PrivateKeyJWT(TOKEN, alg=alg)))
    refused(session(registered, generate(), PrivateKeyJWT(TOKEN, alg=alg)))

hmac = service("client_secret_jwt")
for alg in ("HS256", "HS384", "HS512"):
    works(hmac, session(hmac, OctKey.import_key(hmac["client_secret"]), ClientSecretJWT(TOKEN, alg=alg)))
refused(session(hmac, OctKey.import_key(hmac["client_secret"] + "x"), ClientSecretJWT(TOKEN)))
