// oidc-client (npm), by the authors of IdentityServer3, against the dialect of that name: discovery, signin by code with
// PKCE, validation of the ID token, renewal by refresh token, revocation. It is made for browsers, so it gets the two
// things of one that it asks for.
import XMLHttpRequest from 'xhr2';
import { callback, check, issuer, redirect, register, web } from './portal.mjs';

globalThis.window = globalThis;
globalThis.XMLHttpRequest = XMLHttpRequest;
const { default: oidc } = await import('oidc-client');

const scope = 'openid offline_access read';
const store = () => new oidc.WebStorageStateStore({ store: new oidc.InMemoryWebStorage() });

function manager(client, method, client_secret = client.client_secret) {
  return new oidc.UserManager({
    authority: issuer.href,
    client_id: client.client_id,
    client_secret,
    client_authentication: method,
    redirect_uri: callback,
    response_type: 'code',
    scope,
    loadUserInfo: false,
    monitorSession: false,
    automaticSilentRenew: false,
    stateStore: store(),
    userStore: store(),
  });
}

// What the person's browser brings back from the portal.
async function signin(app, client) {
  const request = new URL((await app.createSigninRequest()).url);
  check(request.origin === 'https://portal.example', `the portal of discovery: ${request}`);
  const { scope, state, code_challenge, code_challenge_method } = Object.fromEntries(request.searchParams);
  const answer = await redirect(client, { scope, code_challenge, code_challenge_method });
  answer.searchParams.set('state', state);
  return app.signinRedirectCallback(answer.href);
}

async function session(method) {
  const client = await register(web({ token_endpoint_auth_method: method, scope }));
  const app = manager(client, method);
  const user = await signin(app, client);
  check(user.profile.sub === 'alice', 'the ID token is valid and names the subject');
  check(user.token_type === 'Bearer' && user.expires_in > 0, 'a bearer token with a lifetime');
  const { access_token, id_token } = user;

  const renewed = await app.signinSilent();
  check(renewed.access_token !== access_token && renewed.id_token !== id_token, 'a refresh gives both tokens anew');

  // it revokes with the secret in the body whatever its setting, and a client of Basic may not do that here
  if (method === 'client_secret_post') {
    const stored = renewed.toStorageString();
    await app.revokeAccessToken();
    await app.storeUser(oidc.User.fromStorageString(stored));
    const revoked = await app.signinSilent().catch((error) => error);
    check(revoked.message === 'invalid_grant', `a revoked refresh token: ${revoked.message}`);
  }

  const stranger = await signin(manager(client, method, 'wrong'), client).catch((error) => error);
  check(stranger.message === 'invalid_client', `a wrong secret: ${stranger.message}`);
}

await session('client_secret_post');
await session('client_secret_basic');
// its timers wait for the tokens to expire
process.exit(0);
