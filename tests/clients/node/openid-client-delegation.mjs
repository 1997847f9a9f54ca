// openid-client (npm): a device that polls until a person has decided, and a gateway that exchanges what the device got.
import * as oidc from 'openid-client';
import { check, decide, issuer, register } from './portal.mjs';

const insecure = { execute: [oidc.allowInsecureRequests] };
const GRANT = 'urn:ietf:params:oauth:grant-type:';
const ACCESS = 'urn:ietf:params:oauth:token-type:access_token';

const tv = await register({
  token_endpoint_auth_method: 'none',
  grant_types: [`${GRANT}device_code`, 'refresh_token'],
  scope: 'openid offline_access api:read api:write',
});
const device = await oidc.discovery(issuer, tv.client_id, {}, oidc.None(), insecure);

async function begin() {
  const parameters = { scope: 'openid offline_access api:read', resource: 'https://api.example.com' };
  return oidc.initiateDeviceAuthorization(device, parameters);
}

// the library polls by itself; the person takes longer than one poll
const codes = await begin();
check(codes.verification_uri_complete.includes(codes.user_code), codes.verification_uri_complete);
const polling = oidc.pollDeviceAuthorizationGrant(device, codes);
await new Promise((done) => setTimeout(done, 1500));
await decide(codes.user_code, 'approve', { subject: 'alice' });
const tokens = await polling;
check(tokens.claims().sub === 'alice' && tokens.refresh_token, 'the tokens of a login');
const refreshed = await oidc.refreshTokenGrant(device, tokens.refresh_token);
check(refreshed.refresh_token !== tokens.refresh_token, 'a rotated refresh token');

const no = await begin();
await decide(no.user_code, 'deny');
const denied = await oidc.pollDeviceAuthorizationGrant(device, no).catch((error) => error);
check(denied.error === 'access_denied', `a denied device: ${denied.error}`);

const client = await register({
  token_endpoint_auth_method: 'client_secret_basic',
  grant_types: [`${GRANT}token-exchange`, 'client_credentials'],
  scope: 'api:read',
  jeton: {
    introspection: 'any',
    token_exchange: { impersonation: true, delegation: true, audiences: ['https://files.example.com', 'orders'] },
  },
});
const gateway = await oidc.discovery(issuer, client.client_id, {}, oidc.ClientSecretBasic(client.client_secret), insecure);
const exchange = (more) =>
  oidc.genericGrantRequest(gateway, `${GRANT}token-exchange`, {
    subject_token: refreshed.access_token,
    subject_token_type: ACCESS,
    ...more,
  });

const impersonated = await exchange({ audience: 'orders' });
check(impersonated.issued_token_type === ACCESS && !impersonated.refresh_token, JSON.stringify(impersonated));
let seen = await oidc.tokenIntrospection(gateway, impersonated.access_token);
check(seen.active && seen.sub === 'alice' && seen.aud === 'orders' && !seen.act, JSON.stringify(seen));

const own = await oidc.clientCredentialsGrant(gateway);
const delegated = await exchange({
  actor_token: own.access_token,
  actor_token_type: ACCESS,
  resource: 'https://files.example.com',
});
seen = await oidc.tokenIntrospection(gateway, delegated.access_token);
check(seen.scope === 'api:read' && seen.act?.sub === client.client_id, JSON.stringify(seen));

for (const [more, error] of [
  [{ scope: 'api:write' }, 'invalid_scope'],
  [{ audience: 'https://elsewhere.example.com' }, 'invalid_target'],
  [{ subject_token: tokens.id_token }, 'invalid_request'],
]) {
  const refused = await exchange(more).catch((error) => error);
  check(refused.error === error, `${JSON.stringify(more)}: ${refused.error}`);
}

// the login ends, and everything that came from it
await oidc.tokenRevocation(device, refreshed.refresh_token);
seen = await oidc.tokenIntrospection(gateway, delegated.access_token);
check(seen.active === false, 'an exchanged token dies with its login');
