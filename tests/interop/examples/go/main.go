// A web application that signs people in with Portico: Go, net/http, go-oidc and x/oauth2.
//
// Everything that is about the protocol is in signIn, callback and signOut.
package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"html/template"
	"log"
	"net"
	"net/http"
	"net/url"
	"os"
	"sync"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// Somebody's visit: what a sign-in that is under way must remember, and who it is once they are back.
type visit struct {
	state, nonce, verifier string
	email, idToken         string
}

type app struct {
	base       string
	oauth      oauth2.Config
	provider   *oidc.Provider
	verifier   *oidc.IDTokenVerifier
	endSession string

	mutex  sync.Mutex
	visits map[string]visit
}

func main() {
	issuer, port := os.Getenv("ISSUER"), os.Getenv("PORT")
	provider, err := oidc.NewProvider(context.Background(), issuer)
	if err != nil {
		log.Fatal(err)
	}
	var metadata struct {
		EndSession string `json:"end_session_endpoint"`
	}
	if err := provider.Claims(&metadata); err != nil {
		log.Fatal(err)
	}
	base := "http://localhost:" + port
	clientID := os.Getenv("CLIENT_ID")
	a := &app{
		base: base,
		oauth: oauth2.Config{
			ClientID:     clientID,
			ClientSecret: os.Getenv("CLIENT_SECRET"),
			Endpoint:     provider.Endpoint(),
			RedirectURL:  base + "/callback",
			Scopes:       []string{oidc.ScopeOpenID, "profile", "email"},
		},
		provider:   provider,
		verifier:   provider.Verifier(&oidc.Config{ClientID: clientID}),
		endSession: metadata.EndSession,
		visits:     map[string]visit{},
	}
	http.HandleFunc("/", a.home)
	http.HandleFunc("/sign-in", a.signIn)
	http.HandleFunc("/callback", a.callback)
	http.HandleFunc("/sign-out", a.signOut)
	listener, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(`{"ready": true}`)
	log.Fatal(http.Serve(listener, nil))
}

func (a *app) signIn(w http.ResponseWriter, r *http.Request) {
	v := visit{state: random(), nonce: random(), verifier: random()}
	a.begin(w, v)
	challenge := sha256.Sum256([]byte(v.verifier))
	target := a.oauth.AuthCodeURL(
		v.state,
		oidc.Nonce(v.nonce),
		oauth2.SetAuthURLParam("code_challenge", base64.RawURLEncoding.EncodeToString(challenge[:])),
		oauth2.SetAuthURLParam("code_challenge_method", "S256"),
	)
	http.Redirect(w, r, target, http.StatusSeeOther)
}

func (a *app) callback(w http.ResponseWriter, r *http.Request) {
	v := a.end(r)
	answer := r.URL.Query()
	if v.state == "" || subtle.ConstantTimeCompare([]byte(answer.Get("state")), []byte(v.state)) != 1 {
		http.Error(w, "this answer belongs to no sign-in of this browser", http.StatusBadRequest)
		return
	}
	if refusal := answer.Get("error"); refusal != "" {
		http.Error(w, "the sign-in ended with "+refusal, http.StatusForbidden)
		return
	}
	verifier := oauth2.SetAuthURLParam("code_verifier", v.verifier)
	tokens, err := a.oauth.Exchange(r.Context(), answer.Get("code"), verifier)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	raw, _ := tokens.Extra("id_token").(string)
	idToken, err := a.verifier.Verify(r.Context(), raw)
	if err != nil || idToken.Nonce != v.nonce {
		http.Error(w, "the ID token is not for this sign-in", http.StatusBadGateway)
		return
	}
	info, err := a.provider.UserInfo(r.Context(), oauth2.StaticTokenSource(tokens))
	// OpenID Connect Core section 5.3.4: userinfo counts only if it is about the same person.
	if err != nil || info.Subject != idToken.Subject {
		http.Error(w, "userinfo is not about this person", http.StatusBadGateway)
		return
	}
	a.begin(w, visit{email: info.Email, idToken: raw})
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func (a *app) signOut(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		http.Error(w, "sign out by the button", http.StatusMethodNotAllowed)
		return
	}
	v := a.end(r)
	query := url.Values{"id_token_hint": {v.idToken}, "post_logout_redirect_uri": {a.base + "/"}}
	http.Redirect(w, r, a.endSession+"?"+query.Encode(), http.StatusSeeOther)
}

var page = template.Must(template.New("home").Parse(`<!doctype html><html lang="en"><title>Example</title>
<link rel="icon" href="data:,"><h1>{{if .}}Hello, {{.}}{{else}}Hello{{end}}</h1>
{{if .}}<form method="post" action="/sign-out"><button>Sign out</button></form>{{else}}<a href="/sign-in">Sign in</a>{{end}}`))

func (a *app) home(w http.ResponseWriter, r *http.Request) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	if err := page.Execute(w, a.visits[key(r)].email); err != nil {
		log.Print(err)
	}
}

// A new id for each step, so that an id from before the sign-in is worth nothing after it.
func (a *app) begin(w http.ResponseWriter, v visit) {
	id := random()
	a.mutex.Lock()
	defer a.mutex.Unlock()
	a.visits[id] = v
	http.SetCookie(w, &http.Cookie{Name: "visit", Value: id, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
}

func (a *app) end(r *http.Request) visit {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	v := a.visits[key(r)]
	delete(a.visits, key(r))
	return v
}

func key(r *http.Request) string {
	cookie, err := r.Cookie("visit")
	if err != nil {
		return ""
	}
	return cookie.Value
}

func random() string {
	octets := make([]byte, 32)
	if _, err := rand.Read(octets); err != nil {
		log.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(octets)
}
