// openid-client (npm): discovery, code with PKCE and ID token validation under every algorithm, refresh,
// client credentials, introspection, revocation; under every way a client can authenticate.
import * as oidc from 'openid-client';
import { check, issuer, redirect, register, web } from './portal.mjs';

const insecure = { execute: [oidc.allowInsecureRequests] };

const methods = {
  client_secret_basic: oidc.ClientSecretBasic,
  client_secret_post: oidc.ClientSecretPost,
  none: oidc.None,
};

async function configure(client) {
  const metadata = { id_token_signed_response_alg: client.id_token_signed_response_alg ?? 'RS256' };
  const auth = methods[client.token_endpoint_auth_method](client.client_secret);
  return oidc.discovery(issuer, client.client_id, metadata, auth, insecure);
}

async function challenge(verifier) {
  const value = await oidc.calculatePKCECodeChallenge(verifier);
  return { code_challenge: value, code_challenge_method: 'S256' };
}

async function login(client) {
  const config = await configure(client);
  // the signature of the ID token as well, not only its claims
  oidc.enableNonRepudiationChecks(config);
  const verifier = oidc.randomPKCECodeVerifier();
  const nonce = oidc.randomNonce();
  const url = await redirect(client, { nonce, ...(await challenge(verifier)) });
  const expected = { pkceCodeVerifier: verifier, expectedNonce: nonce, idTokenExpected: true, maxAge: 300 };
  const tokens = await oidc.authorizationCodeGrant(config, url, expected);
  check(tokens.claims().sub === 'alice', 'the ID token names the subject');
  check(tokens.refresh_token && tokens.expires_in > 0, 'a refresh token and a lifetime');

  // the same code again is refused, and says so in the words of RFC 6749
  const again = await oidc.authorizationCodeGrant(config, url, expected).catch((error) => error);
  check(again.error === 'invalid_grant', `a replayed code: ${again.error}`);
}

async function session(client) {
  const config = await configure(client);
  const verifier = oidc.randomPKCECodeVerifier();
  const url = await redirect(client, await challenge(verifier));
  const first = await oidc.authorizationCodeGrant(config, url, { pkceCodeVerifier: verifier });
  const second = await oidc.refreshTokenGrant(config, first.refresh_token);
  check(second.refresh_token !== first.refresh_token, 'a rotated refresh token');
  check(second.claims()?.sub === 'alice', 'a refreshed ID token of the same subject');
  if (client.token_endpoint_auth_method !== 'none') {
    const seen = await oidc.tokenIntrospection(config, second.access_token);
    check(seen.active === true && seen.sub === 'alice' && seen.iss === issuer.origin, JSON.stringify(seen));
  }
  await oidc.tokenRevocation(config, second.refresh_token, { token_type_hint: 'refresh_token' });
  const refused = await oidc.refreshTokenGrant(config, second.refresh_token).catch((error) => error);
  check(refused.error === 'invalid_grant', `a revoked refresh token: ${refused.error}`);
}

async function service(method) {
  const metadata = { token_endpoint_auth_method: method, grant_types: ['client_credentials'], scope: 'api:read' };
  const client = await register(metadata);
  const config = await configure(client);
  const tokens = await oidc.clientCredentialsGrant(config, { scope: 'api:read', resource: 'https://api.example.com' });
  check(tokens.scope === undefined || tokens.scope === 'api:read', `scope ${tokens.scope}`);
  const seen = await oidc.tokenIntrospection(config, tokens.access_token);
  check(seen.active && seen.client_id === client.client_id, JSON.stringify(seen));
  await oidc.tokenRevocation(config, tokens.access_token);
  const after = await oidc.tokenIntrospection(config, tokens.access_token);
  check(after.active === false, 'a revoked access token is not active');

  const wrong = { ...client, client_secret: `${client.client_secret}x` };
  const refused = await oidc.clientCredentialsGrant(await configure(wrong)).catch((error) => error);
  // a 401 with WWW-Authenticate is reported as a challenge, one without as an error of the body
  const told = refused.error ?? refused.cause?.[0]?.scheme;
  check(refused.status === 401 && told !== undefined, `a wrong secret: ${refused}`);
}

for (const alg of [undefined, 'ES256', 'EdDSA']) {
  await login(await register(web({ id_token_signed_response_alg: alg })));
}
for (const method of Object.keys(methods)) {
  await session(await register(web({ token_endpoint_auth_method: method })));
}
await service('client_secret_basic');
await service('client_secret_post');
