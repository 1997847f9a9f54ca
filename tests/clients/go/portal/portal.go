// Package portal is what stands around a client: the operator who registers it, and the browser of the person who logs
// in at the portal. The library under test never sees the requests of this package.
package portal

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"strings"
	"time"
)

// Issuer is the URL that a client is told.
var Issuer = os.Getenv("JETON_ISSUER")

// Object is a JSON object.
type Object = map[string]any

// Client is what the operator hands out.
type Client struct{ ID, Secret string }

// Check ends the process where something deviates.
func Check(holds bool, format string, values ...any) {
	if !holds {
		fmt.Fprintf(os.Stderr, "deviation: "+format+"\n", values...)
		os.Exit(1)
	}
}

// Must gives the value, or ends the process with the error.
func Must[T any](value T, err error) T {
	Check(err == nil, "%v", err)
	return value
}

// Metadata is the discovery document.
func Metadata() map[string]any {
	answer := Must(http.Get(Issuer + "/.well-known/openid-configuration"))
	return decode(answer)
}

// Register registers a client of the given metadata (RFC 7591).
func Register(metadata Object) Client {
	answer := admin("clients", metadata, http.StatusCreated)
	secret, _ := answer["client_secret"].(string)
	return Client{answer["client_id"].(string), secret}
}

// Approve is the person at the portal's page for user codes.
func Approve(userCode string) {
	admin("device/"+userCode+"/approve", Object{"subject": "alice"}, http.StatusNoContent)
}

// Browser keeps cookies and follows redirects, but those that leave this machine.
func Browser() *http.Client {
	leaves := func(request *http.Request, _ []*http.Request) error {
		if request.URL.Hostname() != "127.0.0.1" {
			return http.ErrUseLastResponse
		}
		return nil
	}
	return &http.Client{Jar: Must(cookiejar.New(nil)), CheckRedirect: leaves, Timeout: 20 * time.Second}
}

// Visit goes to an authorization URL and gives the parameters that come back to the callback.
func Visit(authorization string) url.Values {
	answer := Must(Browser().Get(authorization))
	defer answer.Body.Close()
	Check(answer.Header.Get("Location") != "", "the portal: %s", answer.Status)
	return Must(answer.Location()).Query()
}

func admin(path string, body Object, status int) Object {
	target := fmt.Sprintf("%s/admin/v1/issuers/%s/%s", os.Getenv("JETON_ADMIN_URL"), os.Getenv("JETON_ISSUER_ID"), path)
	request := Must(http.NewRequest(http.MethodPost, target, bytes.NewReader(Must(json.Marshal(body)))))
	request.Header.Set("Authorization", "Bearer "+os.Getenv("JETON_ADMIN_TOKEN"))
	request.Header.Set("Content-Type", "application/json")
	answer := Must(http.DefaultClient.Do(request))
	Check(answer.StatusCode == status, "%s: %s", path, answer.Status)
	return decode(answer)
}

func decode(answer *http.Response) Object {
	defer answer.Body.Close()
	text := string(Must(io.ReadAll(answer.Body)))
	if text == "" {
		return nil
	}
	var object Object
	err := json.NewDecoder(strings.NewReader(text)).Decode(&object)
	Check(err == nil, "%s: %s", answer.Status, text)
	return object
}
