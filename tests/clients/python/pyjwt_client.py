"""PyJWT (PyPI): access and ID tokens of every algorithm verified through PyJWKClient and the JWKS."""

import jwt
import requests

from portal import CALLBACK, ISSUER, METADATA, check, redirect, register_web

VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"

keys = jwt.PyJWKClient(METADATA["jwks_uri"], timeout=20)


def tokens(alg):
    client = register_web(
        token_endpoint_auth_method="client_secret_post",
        id_token_signed_response_alg=alg,
        jeton={"access_token_signed_response_alg": alg},
    )
    back = redirect(client, "state", nonce="nonce", code_challenge=CHALLENGE, code_challenge_method="S256")
    fields = {
        "grant_type": "authorization_code",
        "code": back.split("code=")[1].split("&")[0],
        "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER,
        "client_id": client["client_id"],
        "client_secret": client["client_secret"],
    }
    answer = requests.post(METADATA["token_endpoint"], data=fields, timeout=20)
    check(answer.status_code == 200, answer.text)
    return client["client_id"], answer.json()


def verify(token, alg, audience):
    key = keys.get_signing_key_from_jwt(token)
    required = {"require": ["iss", "sub", "aud", "exp", "iat"]}
    claims = jwt.decode(token, key, algorithms=[alg], audience=audience, issuer=ISSUER, options=required)
    check(claims["sub"] == "alice", claims)
    signed, signature = token.rsplit(".", 1)
    forged = f"{signed}.{'B' if signature[0] == 'A' else 'A'}{signature[1:]}"
    try:
        jwt.decode(forged, key, algorithms=[alg], audience=audience, issuer=ISSUER)
    except jwt.InvalidSignatureError:
        return claims
    raise SystemExit("deviation: a forged signature was accepted")


for name in ("RS256", "ES256", "EdDSA"):
    client_id, answered = tokens(name)
    identity = verify(answered["id_token"], name, client_id)
    check(identity["nonce"] == "nonce", identity)
    access = verify(answered["access_token"], name, ISSUER)
    check(access["client_id"] == client_id, access)
    check(jwt.get_unverified_header(answered["access_token"])["typ"] == "at+jwt", "the type of an access token")
