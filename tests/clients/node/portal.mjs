// What stands around a client: the operator who registers it and the portal that logs somebody in. Both are jeton's
// admin API; the library under test never sees this file's requests.
const { JETON_ISSUER, JETON_ISSUER_ID, JETON_ADMIN_URL, JETON_ADMIN_TOKEN } = process.env;

export const issuer = new URL(JETON_ISSUER);
export const callback = 'https://client.example/callback';

export function check(holds, message) {
  if (!holds) throw new Error(message);
}

async function admin(path, body, status = 201) {
  const answer = await fetch(`${JETON_ADMIN_URL}/admin/v1/issuers/${JETON_ISSUER_ID}/${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${JETON_ADMIN_TOKEN}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(20_000),
  });
  const text = await answer.text();
  check(answer.status === status, `${path}: ${answer.status} ${text}`);
  return text && JSON.parse(text);
}

export const register = (metadata) => admin('clients', metadata);

// The person at the portal's page for user codes.
export const decide = (userCode, verdict, body) => admin(`device/${userCode}/${verdict}`, body, 204);

export const web = (more) => ({
  grant_types: ['authorization_code', 'refresh_token'],
  redirect_uris: [callback],
  scope: 'openid profile offline_access api:read',
  ...more,
});

// The redirect that would reach the client: its callback with a code.
export async function redirect(client, more) {
  const { code } = await admin('codes', {
    client_id: client.client_id,
    redirect_uri: callback,
    subject: 'alice',
    scope: 'openid offline_access api:read',
    auth_time: Math.floor(Date.now() / 1000),
    ...more,
  });
  const url = new URL(callback);
  url.searchParams.set('code', code);
  return url;
}
