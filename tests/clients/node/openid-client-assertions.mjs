// openid-client (npm): client_secret_jwt, and private_key_jwt under every kind of key, at every endpoint; opaque tokens.
import { webcrypto } from 'node:crypto';
import * as oidc from 'openid-client';
import { check, issuer, redirect, register } from './portal.mjs';

const insecure = { execute: [oidc.allowInsecureRequests] };
const metadata = { grant_types: ['client_credentials'], scope: 'api:read' };

const configure = (client, auth) => oidc.discovery(issuer, client.client_id, {}, auth, insecure);

// client credentials, introspection and revocation, each with an assertion of its own
async function service(name, config, client) {
  const tokens = await oidc.clientCredentialsGrant(config, { scope: 'api:read', audience: 'orders' });
  const seen = await oidc.tokenIntrospection(config, tokens.access_token);
  check(seen.active && seen.client_id === client.client_id, `${name}: ${JSON.stringify(seen)}`);
  check(seen.aud === 'orders', `${name}: the audience is ${seen.aud}`);
  await oidc.tokenRevocation(config, tokens.access_token);
  const after = await oidc.tokenIntrospection(config, tokens.access_token);
  check(after.active === false, `${name}: a revoked access token is not active`);
  const refused = await oidc.clientCredentialsGrant(config, { audience: 'nobody' }).catch((error) => error);
  check(refused.error === 'invalid_target', `${name}: an unknown audience: ${refused.error}`);
}

async function denied(name, config) {
  const refused = await oidc.clientCredentialsGrant(config).catch((error) => error);
  check(refused.status === 401, `${name}: ${refused}`);
}

const keys = {
  RS256: { name: 'RSASSA-PKCS1-v1_5', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: 'SHA-256' },
  PS256: { name: 'RSA-PSS', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: 'SHA-256' },
  ES256: { name: 'ECDSA', namedCurve: 'P-256' },
  ES384: { name: 'ECDSA', namedCurve: 'P-384' },
  EdDSA: { name: 'Ed25519' },
};
for (const [alg, kind] of Object.entries(keys)) {
  const pair = await webcrypto.subtle.generateKey(kind, true, ['sign', 'verify']);
  const jwk = await webcrypto.subtle.exportKey('jwk', pair.publicKey);
  delete jwk.key_ops;
  delete jwk.ext;
  delete jwk.alg;
  const client = await register({
    ...metadata,
    token_endpoint_auth_method: 'private_key_jwt',
    jwks: { keys: [{ ...jwk, kid: alg }] },
    jeton: { access_token_format: alg === 'EdDSA' ? 'opaque' : 'jwt' },
  });
  await service(alg, await configure(client, oidc.PrivateKeyJwt({ key: pair.privateKey, kid: alg })), client);
  const other = await webcrypto.subtle.generateKey(kind, true, ['sign', 'verify']);
  await denied(alg, await configure(client, oidc.PrivateKeyJwt({ key: other.privateKey, kid: alg })));
}

const client = await register({ ...metadata, token_endpoint_auth_method: 'client_secret_jwt' });
await service('HS256', await configure(client, oidc.ClientSecretJwt(client.client_secret)), client);
await denied('HS256', await configure(client, oidc.ClientSecretJwt(`${client.client_secret}x`)));
// the secret itself is not the registered method
await denied('post', await configure(client, oidc.ClientSecretPost(client.client_secret)));

// the code flow, with an opaque access token that the ID token is bound to
const pair = await webcrypto.subtle.generateKey(keys.ES256, true, ['sign', 'verify']);
const { kty, crv, x, y } = await webcrypto.subtle.exportKey('jwk', pair.publicKey);
const web = await register({
  token_endpoint_auth_method: 'private_key_jwt',
  jwks: { keys: [{ kty, crv, x, y }] },
  grant_types: ['authorization_code', 'refresh_token'],
  redirect_uris: ['https://client.example/callback'],
  scope: 'openid offline_access api:read',
  jeton: { access_token_format: 'opaque' },
});
const config = await configure(web, oidc.PrivateKeyJwt(pair.privateKey));
oidc.enableNonRepudiationChecks(config);
const verifier = oidc.randomPKCECodeVerifier();
const code_challenge = await oidc.calculatePKCECodeChallenge(verifier);
const url = await redirect(web, { code_challenge, code_challenge_method: 'S256' });
const tokens = await oidc.authorizationCodeGrant(config, url, { pkceCodeVerifier: verifier, idTokenExpected: true });
check(tokens.access_token.startsWith('jat_') && tokens.claims().sub === 'alice', 'an opaque token of alice');
const next = await oidc.refreshTokenGrant(config, tokens.refresh_token);
const seen = await oidc.tokenIntrospection(config, next.access_token);
check(seen.active && seen.sub === 'alice', JSON.stringify(seen));
