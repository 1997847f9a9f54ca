"""Alibaba's own clients (PyPI), pointed at the dialect aliyun-idaas.

alibabacloud-eiam-developerapi20220225, the generated SDK, sends every parameter in the query of a POST without body.
cloud-idaas-core reads the configuration file that the vendor documents, and insists on https.
"""

import json
import os
import tempfile
from urllib.parse import urlsplit

from alibabacloud_eiam_developerapi20220225 import models
from alibabacloud_eiam_developerapi20220225.client import Client
from alibabacloud_tea_openapi.utils_models import Config
from cloud_idaas.core import IDaaSCredentialProviderFactory
from cloud_idaas.core.exceptions import ClientException
from cloud_idaas.core.http.oauth2_token_util import OAuth2TokenUtil
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from darabonba.exceptions import DaraException
from jwt import PyJWK, decode

from portal import ISSUER, METADATA, approve, check, redirect, register, requests

INSTANCE, SERVER = "idaas_ue2jvisn35ea5lmthk267", "iauths_system"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
ACCESS = "urn:ietf:params:oauth:token-type:access_token"


def service(method, **more):
    grants = more.pop("grant_types", ["client_credentials"])
    return register(token_endpoint_auth_method=method, grant_types=grants, scope="orders|read orders|write", **more)


def verified(token, audience):
    """What a resource server of the vendor's checks: RS256 with kid, iss, aud, exp, sub, iat."""
    keys = requests.get(METADATA["jwks_uri"], timeout=20).json()["keys"]
    key = next(key for key in keys if key["kid"] == PyJWK_kid(token))
    required = {"require": ["iss", "aud", "exp", "sub", "iat"]}
    return decode(token, PyJWK(key), algorithms=["RS256"], audience=audience, issuer=ISSUER, options=required)


def PyJWK_kid(token):
    from jwt import get_unverified_header

    return get_unverified_header(token)["kid"]


def generated_sdk():
    client = Client(Config(endpoint=urlsplit(ISSUER).netloc, region_id="cn-hangzhou"))
    Request = models.GenerateTokenByAuthorizationServerRequest

    def ask(**fields):
        return client.generate_token_by_authorization_server(INSTANCE, SERVER, Request(**fields)).body

    own = service("client_secret_post")
    credentials = {"client_id": own["client_id"], "client_secret": own["client_secret"]}
    answer = ask(grant_type="client_credentials", scope="orders|read", **credentials)
    check(answer.token_type == "Bearer" and answer.expires_in == 1200, answer)
    check(verified(answer.access_token, "orders")["sub"] == own["client_id"], answer)
    check(answer.expires_at > 0, answer)

    web = register(
        token_endpoint_auth_method="client_secret_post",
        grant_types=["authorization_code", "refresh_token"],
        redirect_uris=["https://client.example/callback"],
        scope="openid offline_access",
    )
    credentials = {"client_id": web["client_id"], "client_secret": web["client_secret"]}
    code = redirect(web, "state", scope="openid offline_access").split("code=")[1].split("&")[0]
    answer = ask(
        grant_type="authorization_code", code=code, redirect_uri="https://client.example/callback", **credentials
    )
    check(answer.id_token and answer.refresh_token.startswith("jrt_"), answer)
    again = ask(grant_type="refresh_token", refresh_token=answer.refresh_token, **credentials)
    check(again.refresh_token != answer.refresh_token, again)

    device = register(
        token_endpoint_auth_method="none", grant_types=[DEVICE, "refresh_token"], scope="openid offline_access"
    )["client_id"]
    codes = client.generate_device_code(INSTANCE, device, models.GenerateDeviceCodeRequest(scope="openid")).body
    check(codes.expires_in == 1200 and codes.expires_at > 0, codes)
    approve(codes.user_code)
    polled = models.GenerateTokenRequest(grant_type=DEVICE, client_id=device, device_code=codes.device_code)
    answer = client.generate_token(INSTANCE, device, polled).body
    check(answer.id_token and answer.expires_in == 1200, answer)
    revoked = models.RevokeTokenRequest(client_id=device, token=answer.access_token, token_type_hint="access_token")
    check(client.revoke_token(INSTANCE, device, revoked).status_code == 200, "a revocation")

    try:
        ask(grant_type="client_credentials", client_id=own["client_id"], client_secret="wrong")
    except DaraException as error:
        check("401" in str(error) or "401" in str(getattr(error, "statusCode", "")), error)
    else:
        check(False, "a wrong secret was accepted")


def core_sdk(client, scope, **authentication):
    """The credential providers of a fresh process: the factory reads its configuration once."""
    config = {
        "idaasInstanceId": INSTANCE,
        "clientId": client["client_id"],
        "issuer": ISSUER,
        "tokenEndpoint": METADATA["token_endpoint"],
        "scope": scope,
        "authnConfiguration": {"identityType": "CLIENT", **authentication},
        "httpConfiguration": {"connectTimeout": 5000, "readTimeout": 10000},
    }
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(config, file)
        file.flush()
        IDaaSCredentialProviderFactory.reset()
        IDaaSCredentialProviderFactory.init(file.name)
    return IDaaSCredentialProviderFactory


def machine_to_machine():
    for method in ("client_secret_basic", "client_secret_post", "client_secret_jwt"):
        client = service(method)
        os.environ["IDAAS_CLIENT_SECRET"] = client["client_secret"]
        sdk = core_sdk(client, "orders|read", authnMethod=method.upper(), clientSecretEnvVarName="IDAAS_CLIENT_SECRET")
        token = sdk.get_idaas_credential_provider().get_credential().get_access_token()
        check(verified(token, "orders")["client_id"] == client["client_id"], method)

    key = rsa.generate_private_key(65537, 2048)
    public = key.public_key().public_numbers()
    client = service("private_key_jwt", jwks={"keys": [{"kty": "RSA", "n": number(public.n), "e": number(public.e)}]})
    pem = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    os.environ["IDAAS_PRIVATE_KEY"] = key.private_bytes(*pem).decode()
    sdk = core_sdk(client, "orders|read", authnMethod="PRIVATE_KEY_JWT", privateKeyEnvVarName="IDAAS_PRIVATE_KEY")
    token = sdk.get_idaas_credential_provider().get_credential().get_access_token()
    check(verified(token, "orders")["client_id"] == client["client_id"], "private_key_jwt")


def number(value):
    from base64 import urlsafe_b64encode

    return urlsafe_b64encode(value.to_bytes((value.bit_length() + 7) // 8)).rstrip(b"=").decode()


def exchange():
    policy = {"introspection": "any", "token_exchange": {"impersonation": True}}
    client = service("client_secret_post", grant_types=["client_credentials", EXCHANGE], jeton=policy)
    os.environ["IDAAS_CLIENT_SECRET"] = client["client_secret"]
    sdk = core_sdk(
        client, "orders|read", authnMethod="CLIENT_SECRET_POST", clientSecretEnvVarName="IDAAS_CLIENT_SECRET"
    )
    wide = sdk.get_idaas_credential_provider_by_scope("orders|read orders|write").get_credential().get_access_token()
    narrow = sdk.get_idaas_token_exchange_credential_provider().get_credential(wide, ACCESS).get_access_token()
    claims = verified(narrow, "orders")
    check(claims["scope"] == "orders|read", claims)


def device():
    tv = register(
        token_endpoint_auth_method="none", grant_types=[DEVICE, "refresh_token"], scope="openid offline_access"
    )
    begin = lambda: OAuth2TokenUtil.get_device_code(  # noqa: E731
        tv["client_id"], "openid offline_access", METADATA["device_authorization_endpoint"]
    )
    poll = lambda codes: OAuth2TokenUtil.get_token_by_device_code(  # noqa: E731
        tv["client_id"], codes.device_code, METADATA["token_endpoint"]
    )
    codes = begin()
    check(codes.expires_in == 1200 and codes.interval == 1, codes)
    check(poll(codes) is None, "nobody has decided yet")
    check(poll(codes) is None, "too fast is not the end of it")
    approve(codes.user_code)
    tokens = poll(codes)
    check(tokens.get_access_token() and tokens.get_id_token() and tokens.get_refresh_token(), tokens)
    again = OAuth2TokenUtil.refresh_token(tv["client_id"], tokens.get_refresh_token(), METADATA["token_endpoint"])
    check(again.get_refresh_token() != tokens.get_refresh_token(), "a rotated refresh token")
    try:
        poll(codes)
    except ClientException as error:
        check(error.error_code == "invalid_grant", error.error_code)
    else:
        check(False, "a device code was used twice")


generated_sdk()
machine_to_machine()
exchange()
device()
