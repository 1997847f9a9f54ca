// golang.org/x/oauth2 with the style of client authentication left to it (AuthStyleAutoDetect, the default): code with
// PKCE and refresh, client credentials by many fresh processes, and a device with the library's own polling.
package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"jeton.example/clients/portal"
)

const (
	callback = "https://client.example/callback"
	// processes that each find out anew how this server wants the secret
	fresh = 30
)

func main() {
	if len(os.Args) > 1 {
		service()
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Second)
	defer cancel()
	waited := make(chan struct{})
	go func() { device(ctx); close(waited) }()
	for _, method := range []string{"client_secret_basic", "client_secret_post", "none"} {
		code(ctx, method)
	}
	for _, method := range []string{"client_secret_basic", "client_secret_post"} {
		services(method)
	}
	<-waited
}

func endpoint() oauth2.Endpoint {
	found := portal.Metadata()
	text := func(name string) string { value, _ := found[name].(string); return value }
	return oauth2.Endpoint{
		AuthURL:       text("authorization_endpoint"),
		TokenURL:      text("token_endpoint"),
		DeviceAuthURL: text("device_authorization_endpoint"),
	}
}

func code(ctx context.Context, method string) {
	client := portal.Register(portal.Object{
		"token_endpoint_auth_method": method,
		"grant_types":                []string{"authorization_code", "refresh_token"},
		"redirect_uris":              []string{callback},
		"scope":                      "openid offline_access api:read",
	})
	// a configuration keeps what it found out; another process has to find it out again
	config := func() *oauth2.Config {
		return &oauth2.Config{
			ClientID:     client.ID,
			ClientSecret: client.Secret,
			Endpoint:     endpoint(),
			RedirectURL:  callback,
			Scopes:       []string{"openid", "offline_access", "api:read"},
		}
	}
	here, verifier := config(), oauth2.GenerateVerifier()
	back := portal.Visit(here.AuthCodeURL("state", oauth2.AccessTypeOffline, oauth2.S256ChallengeOption(verifier)))
	portal.Check(back.Get("state") == "state", "%s: state %q", method, back.Get("state"))
	first, err := here.Exchange(ctx, back.Get("code"), oauth2.VerifierOption(verifier))
	portal.Check(err == nil, "%s: code: %v", method, err)
	portal.Check(first.Valid() && first.RefreshToken != "", "%s: %v", method, first.Expiry)
	portal.Check(first.Extra("id_token") != nil, "%s: no ID token", method)

	for _, config := range []*oauth2.Config{here, config()} {
		expired := &oauth2.Token{RefreshToken: first.RefreshToken, Expiry: time.Now().Add(-time.Hour)}
		second, err := config.TokenSource(ctx, expired).Token()
		portal.Check(err == nil, "%s: refresh: %v", method, err)
		portal.Check(second.Valid() && second.AccessToken != first.AccessToken, "%s: the same token", method)
		first = second
	}
}

// services starts processes of one client, one after the other.
func services(method string) {
	client := portal.Register(portal.Object{
		"token_endpoint_auth_method": method,
		"grant_types":                []string{"client_credentials"},
		"scope":                      "api:read",
	})
	for number := 1; number <= fresh; number++ {
		process := exec.Command(portal.Must(os.Executable()), "client-credentials")
		process.Env = append(os.Environ(), "CLIENT_ID="+client.ID, "CLIENT_SECRET="+client.Secret)
		said, err := process.CombinedOutput()
		portal.Check(err == nil, "%s: process %d of %d: %v: %s", method, number, fresh, err, said)
	}
}

// service is one of those processes.
func service() {
	config := clientcredentials.Config{
		ClientID:     os.Getenv("CLIENT_ID"),
		ClientSecret: os.Getenv("CLIENT_SECRET"),
		TokenURL:     endpoint().TokenURL,
		Scopes:       []string{"api:read"},
	}
	token, err := config.Token(context.Background())
	portal.Check(err == nil, "%v", err)
	portal.Check(token.Valid(), "%v", token.Expiry)
	fmt.Println(token.Expiry)
}

// device is approved after the first poll, so that the second one, an interval later, gets the token. Had any poll been
// answered slow_down, the library would have waited for five seconds more.
func device(ctx context.Context) {
	client := portal.Register(portal.Object{
		"token_endpoint_auth_method": "none",
		"grant_types":                []string{"urn:ietf:params:oauth:grant-type:device_code"},
		"scope":                      "openid api:read",
	})
	config := &oauth2.Config{ClientID: client.ID, Endpoint: endpoint(), Scopes: []string{"openid", "api:read"}}
	asked, err := config.DeviceAuth(ctx)
	portal.Check(err == nil, "device: %v", err)
	interval := time.Duration(asked.Interval) * time.Second
	approval := time.AfterFunc(interval+interval/2, func() { portal.Approve(asked.UserCode) })
	defer approval.Stop()
	begun := time.Now()
	token, err := config.DeviceAccessToken(ctx, asked)
	portal.Check(err == nil, "device: %v", err)
	took := time.Since(begun)
	portal.Check(token.Valid(), "device: %v", token.Expiry)
	portal.Check(took < 2*interval+interval/2, "device: told to slow down: %v at an interval of %v", took, interval)
}
