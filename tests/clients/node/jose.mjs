// jose (npm): a resource server that verifies access tokens (RFC 9068) of every algorithm by the JWKS.
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { check, issuer, register } from './portal.mjs';

const metadata = await (await fetch(new URL('/.well-known/oauth-authorization-server', issuer))).json();
const keys = createRemoteJWKSet(new URL(metadata.jwks_uri));
const audience = 'https://api.example.com';

for (const alg of ['EdDSA', 'RS256', 'ES256']) {
  const client = await register({
    token_endpoint_auth_method: 'client_secret_post',
    grant_types: ['client_credentials'],
    scope: 'api:read',
    jeton: { access_token_signed_response_alg: alg },
  });
  const answer = await fetch(metadata.token_endpoint, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: client.client_id,
      client_secret: client.client_secret,
      resource: audience,
    }),
  });
  const { access_token: token } = await answer.json();
  const rules = { issuer: issuer.origin, audience, typ: 'at+jwt', algorithms: [alg] };
  const { payload } = await jwtVerify(token, keys, rules);
  check(payload.client_id === client.client_id && payload.sub === client.client_id, 'the token names its client');

  const forged = token.replace(/\.([^.])([^.]+)$/, (_, first, rest) => `.${first === 'A' ? 'B' : 'A'}${rest}`);
  const refused = await jwtVerify(forged, keys, rules).catch((error) => error);
  check(refused.code === 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED', `a forged signature: ${refused}`);
}
