// A web application that signs people in with Portico: Go, net/http, go-oidc and x/oauth2.
//
// Everything that is about the protocol is in signIn, callback and signOut.
package main

import (
	"context"
	"crypto/rand"
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
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// Somebody's visit: what a sign-in that is under way must remember, and who it is once they are back.
type visit struct {
	state, nonce, verifier string
	subject, email         string
	idToken                string
	tokens                 oauth2.TokenSource
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
	clientID, clientSecret := os.Getenv("CLIENT_ID"), os.Getenv("CLIENT_SECRET")
	endpoint := provider.Endpoint()
	endpoint.AuthStyle = oauth2.AuthStyleInHeader
	if clientSecret == "" {
		// A public client has only its id to show, and PKCE.
		endpoint.AuthStyle = oauth2.AuthStyleInParams
	}
	a := &app{
		base: base,
		oauth: oauth2.Config{
			ClientID:     clientID,
			ClientSecret: clientSecret,
			Endpoint:     endpoint,
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
	http.HandleFunc("/profile", a.profile)
	http.HandleFunc("/sign-out", a.signOut)
	listener, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(`{"ready": true}`)
	log.Fatal(http.Serve(listener, nil))
}

func (a *app) signIn(w http.ResponseWriter, r *http.Request) {
	v := visit{state: random(), nonce: random(), verifier: oauth2.GenerateVerifier()}
	a.begin(w, v)
	target := a.oauth.AuthCodeURL(v.state, oidc.Nonce(v.nonce), oauth2.S256ChallengeOption(v.verifier))
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
	tokens, err := a.oauth.Exchange(r.Context(), answer.Get("code"), oauth2.VerifierOption(v.verifier))
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
	// Renews the token when it ends within a minute, for as long as the visit lasts.
	renewing := a.oauth.TokenSource(context.Background(), tokens)
	renewing = oauth2.ReuseTokenSourceWithExpiry(tokens, renewing, time.Minute)
	a.begin(w, visit{subject: idToken.Subject, email: info.Email, idToken: raw, tokens: renewing})
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func (a *app) profile(w http.ResponseWriter, r *http.Request) {
	v := a.find(r)
	if v.tokens == nil {
		http.Redirect(w, r, "/sign-in", http.StatusSeeOther)
		return
	}
	info, err := a.provider.UserInfo(r.Context(), v.tokens)
	if err != nil || info.Subject != v.subject {
		http.Error(w, "userinfo is not about this person", http.StatusBadGateway)
		return
	}
	var person struct{ Sub, Name, Email string }
	if err := info.Claims(&person); err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	show(w, profilePage, person)
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

var homePage = template.Must(template.New("home").Parse(`<!doctype html><html lang="en"><title>Example</title>
<link rel="icon" href="data:,"><h1>{{if .}}Hello, {{.}}{{else}}Hello{{end}}</h1>
{{if .}}<a href="/profile">Profile</a><form method="post" action="/sign-out"><button>Sign out</button></form>
{{else}}<a href="/sign-in">Sign in</a>{{end}}`))

var profilePage = template.Must(template.New("profile").Parse(`<!doctype html><html lang="en"><title>Profile</title>
<link rel="icon" href="data:,"><h1>Profile</h1>
<dl><dt>sub<dd>{{.Sub}}<dt>name<dd>{{.Name}}<dt>email<dd>{{.Email}}</dl>`))

func (a *app) home(w http.ResponseWriter, r *http.Request) {
	show(w, homePage, a.find(r).email)
}

func show(w http.ResponseWriter, page *template.Template, about any) {
	if err := page.Execute(w, about); err != nil {
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

func (a *app) find(r *http.Request) visit {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	return a.visits[key(r)]
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
