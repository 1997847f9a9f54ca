// github.com/zitadel/oidc: a relying party as in the examples of its repository (discovery, code with PKCE, userinfo; a
// device with the library's own polling), refresh and revocation, and a resource server that introspects.
package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/zitadel/oidc/v3/pkg/client/rp"
	"github.com/zitadel/oidc/v3/pkg/client/rs"
	httphelper "github.com/zitadel/oidc/v3/pkg/http"
	"github.com/zitadel/oidc/v3/pkg/oidc"

	"jeton.example/clients/portal"
)

var (
	scopes = []string{"openid", "profile", "offline_access", "api:read"}
	key    = []byte("a key of cookies") // 16 bytes
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Second)
	defer cancel()
	waited := make(chan struct{})
	go func() { device(ctx); close(waited) }()
	for _, method := range []string{"client_secret_basic", "client_secret_post", "none"} {
		web(ctx, method)
	}
	<-waited
}

func web(ctx context.Context, method string) {
	pages := http.NewServeMux()
	site := httptest.NewServer(pages)
	defer site.Close()
	client := portal.Register(portal.Object{
		"token_endpoint_auth_method": method,
		"grant_types":                []string{"authorization_code", "refresh_token"},
		"redirect_uris":              []string{site.URL + "/auth/callback"},
		"scope":                      "openid profile offline_access api:read",
	})
	cookies := httphelper.NewCookieHandler(key, key, httphelper.WithUnsecure())
	party, err := rp.NewRelyingPartyOIDC(ctx, portal.Issuer, client.ID, client.Secret, site.URL+"/auth/callback", scopes,
		rp.WithCookieHandler(cookies),
		rp.WithVerifierOpts(rp.WithIssuedAtOffset(5*time.Second)),
		rp.WithSigningAlgsFromDiscovery(),
		rp.WithPKCE(cookies),
	)
	portal.Check(err == nil, "%s: discovery: %v", method, err)

	var tokens *oidc.Tokens[*oidc.IDTokenClaims]
	finish := func(
		answer http.ResponseWriter, _ *http.Request, got *oidc.Tokens[*oidc.IDTokenClaims], _ string,
		_ rp.RelyingParty, info *oidc.UserInfo,
	) {
		portal.Check(info.Subject == "alice", "userinfo of %q", info.Subject)
		tokens = got
	}
	state := func() string { return "state" }
	pages.Handle("/login", rp.AuthURLHandler(state, party))
	pages.Handle("/auth/callback", rp.CodeExchangeHandler(rp.UserinfoCallback(finish), party))
	answer, err := portal.Browser().Get(site.URL + "/login")
	portal.Check(err == nil, "%s: %v", method, err)
	said := make([]byte, 1000)
	size, _ := answer.Body.Read(said)
	answer.Body.Close()
	portal.Check(answer.StatusCode == http.StatusOK && tokens != nil, "%s: login: %s", method, said[:size])
	portal.Check(tokens.IDTokenClaims.Subject == "alice", "the subject %q", tokens.IDTokenClaims.Subject)

	fresh, err := rp.RefreshTokens[*oidc.IDTokenClaims](ctx, party, tokens.RefreshToken, "", "")
	portal.Check(err == nil, "%s: refresh: %v", method, err)
	portal.Check(fresh.IDTokenClaims.Subject == "alice", "%s: the subject of a refreshed ID token", method)
	introspected(ctx, fresh.AccessToken, true)
	introspected(ctx, "nothing", false)
	err = rp.RevokeToken(ctx, party, fresh.RefreshToken, "refresh_token")
	portal.Check(err == nil, "%s: revocation: %v", method, err)
	_, err = rp.RefreshTokens[*oidc.IDTokenClaims](ctx, party, fresh.RefreshToken, "", "")
	portal.Check(err != nil, "%s: a revoked refresh token gave tokens", method)
}

// introspected asks as a resource server of its own.
func introspected(ctx context.Context, token string, active bool) {
	api := portal.Register(portal.Object{
		"token_endpoint_auth_method": "client_secret_basic",
		"grant_types":                []string{"client_credentials"},
		"jeton":                      portal.Object{"introspection": "any"},
	})
	server, err := rs.NewResourceServerClientCredentials(ctx, portal.Issuer, api.ID, api.Secret)
	portal.Check(err == nil, "resource server: %v", err)
	seen, err := rs.Introspect[*oidc.IntrospectionResponse](ctx, server, token)
	portal.Check(err == nil, "introspection: %v", err)
	portal.Check(seen.Active == active && (!active || seen.Subject == "alice"), "introspection: %+v", seen)
}

// device is a public client: the library sends a secret twice, by Basic and by the body, which RFC 6749 section 2.3 forbids.
func device(ctx context.Context) {
	client := portal.Register(portal.Object{
		"token_endpoint_auth_method": "none",
		"grant_types":                []string{"urn:ietf:params:oauth:grant-type:device_code"},
		"scope":                      "openid api:read",
	})
	party, err := rp.NewRelyingPartyOIDC(ctx, portal.Issuer, client.ID, client.Secret, "", []string{"openid"})
	portal.Check(err == nil, "device: discovery: %v", err)
	asked, err := rp.DeviceAuthorization(ctx, []string{"openid", "api:read"}, party, nil)
	portal.Check(err == nil, "device: %v", err)
	interval := time.Duration(asked.Interval) * time.Second
	approval := time.AfterFunc(interval+interval/2, func() { portal.Approve(asked.UserCode) })
	defer approval.Stop()
	begun := time.Now()
	token, err := rp.DeviceAccessToken(ctx, asked.DeviceCode, interval, party)
	portal.Check(err == nil, "device: %v", err)
	took := time.Since(begun)
	portal.Check(token.AccessToken != "", "device: no token")
	portal.Check(took < 2*interval+interval/2, "device: told to slow down: %v at an interval of %v", took, interval)
}
