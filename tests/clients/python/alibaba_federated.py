"""cloud-idaas-core (PyPI), Alibaba's own: the three federated methods, through its credential provider.

The proofs are files that the test made; the SDK makes the assertion under the certificate by itself.
"""

import base64
import json
import os
from pathlib import Path

from cloud_idaas.core.constants import TokenAuthnMethod
from cloud_idaas.core.exceptions import CacheException, ClientException
from cloud_idaas.core.implementation.authentication.jwt.static_private_key_assertion_provider import (
    StaticPrivateKeyAssertionProvider,
)
from cloud_idaas.core.implementation.authentication.oidc.file_oidc_token_provider import FileOidcTokenProvider
from cloud_idaas.core.implementation.authentication.pkcs7.static_pkcs7_attested_document_provider import (
    StaticPkcs7AttestedDocumentProvider,
)
from cloud_idaas.core.implementation.idaas_machine_credential_provider import IDaaSMachineCredentialProvider

ENDPOINT, PROOFS = os.environ["JETON_TOKEN_ENDPOINT"], Path(os.environ["JETON_PROOFS"])


def proof(name):
    return (PROOFS / name).read_text()


def provider(client, method, credential=None):
    builder = IDaaSMachineCredentialProvider.builder().client_id(client).scope("orders|read")
    builder = builder.token_endpoint(ENDPOINT).authn_method(method)
    return builder.application_federated_credential_name(credential or client)


def by_token(credential=None):
    oidc = FileOidcTokenProvider(str(PROOFS / "token"))
    return provider("pod", TokenAuthnMethod.OIDC, credential).oidc_token_provider(oidc).build()


def by_document(credential=None):
    document = StaticPkcs7AttestedDocumentProvider(proof("document"))
    return provider("instance", TokenAuthnMethod.PKCS7, credential).attested_document_provider(document).build()


def by_certificate(credential=None):
    assertion = StaticPrivateKeyAssertionProvider(proof("key.pem"))
    assertion.client_id, assertion.token_endpoint, assertion.scope = "machine", ENDPOINT, "orders|read"
    builder = provider("machine", TokenAuthnMethod.PCA, credential).client_assertion_provider(assertion)
    return builder.client_x509_certificate(proof("leaf.pem")).x509_cert_chains(proof("chain.pem")).build()


for client, make in (("pod", by_token), ("instance", by_document), ("machine", by_certificate)):
    for _ in range(2):
        credential = make().get_credential()
        payload = credential.access_token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        if claims["sub"] != client or credential.expires_in != 1200:
            raise SystemExit(f"deviation: {client}: {claims}")
    try:
        make("unknown").get_credential()
    except CacheException as error:
        refusal = error.cause
        if not isinstance(refusal, ClientException) or refusal.error_code != "invalid_client" or not refusal.request_id:
            raise SystemExit(f"deviation: {client}: {refusal}")
    else:
        raise SystemExit(f"deviation: {client}: an unknown credential was accepted")
