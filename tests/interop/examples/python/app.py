"""A web application that signs people in with Portico: Flask and Authlib.

Everything that is about the protocol is in sign_in, callback and sign_out.
"""

import os
import secrets
from urllib.parse import urlencode

from authlib.integrations.flask_client import OAuth, OAuthError
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from flask import Flask, abort, redirect, render_template_string, session
from joserfc.jwk import ECKey
from werkzeug.serving import make_server

BASE = f"http://localhost:{os.environ['PORT']}"
ISSUER = os.environ["ISSUER"]

app = Flask(__name__)
# Signs the cookie in which Flask keeps the visit. One that outlives the process comes from where secrets are kept.
app.secret_key = secrets.token_bytes(32)
app.config.update(SESSION_COOKIE_NAME="visit", SESSION_COOKIE_SAMESITE="Lax")

# Who is signed in, by a random id in the session: tokens are nothing for a cookie that a browser can read.
visits = {}


def client_secret():
    """What proves that it is this application that asks: its secret, or where it has one its key."""
    if "CLIENT_KEY" not in os.environ:
        return os.environ["CLIENT_SECRET"]
    with open(os.environ["CLIENT_KEY"], encoding="ascii") as file:
        return ECKey.import_key(file.read())


def keep(token, refresh_token=None, access_token=None):
    """Authlib calls it when it renewed a token; each refresh token is good for one use."""
    visits[session["visit"]]["token"] = token


portico = OAuth(app).register(
    "portico",
    client_id=os.environ["CLIENT_ID"],
    client_secret=client_secret(),
    server_metadata_url=ISSUER + "/.well-known/openid-configuration",
    client_auth_methods=[PrivateKeyJWT(ISSUER, alg="ES256")],
    client_kwargs={
        "scope": "openid profile email",
        "code_challenge_method": "S256",
        "token_endpoint_auth_method": os.environ.get("CLIENT_AUTHENTICATION", "client_secret_basic"),
    },
    update_token=keep,
)


@app.get("/sign-in")
def sign_in():
    # Authlib keeps state, nonce and the PKCE verifier in the session.
    return portico.authorize_redirect(BASE + "/callback")


@app.get("/callback")
def callback():
    # Checks state, redeems the code, verifies the ID token with its nonce.
    token = portico.authorize_access_token()
    session.clear()
    session["visit"] = secrets.token_urlsafe(32)
    visit = {"sub": token["userinfo"]["sub"], "token": token, "id_token": token["id_token"]}
    visits[session["visit"]] = visit
    visit["email"] = userinfo(visit)["email"]
    return redirect("/", 303)


def userinfo(visit):
    """What Portico says of them now. A token that ends within a minute is renewed first."""
    person = portico.userinfo(token=visit["token"])
    # OpenID Connect Core section 5.3.4: userinfo counts only if it is about the same person.
    if person["sub"] != visit["sub"]:
        abort(502, "userinfo is about somebody else")
    return person


@app.get("/profile")
def profile():
    visit = visits.get(session.get("visit"))
    if not visit:
        return redirect("/sign-in", 303)
    return render_template_string(PROFILE, person=userinfo(visit))


@app.post("/sign-out")
def sign_out():
    visit = visits.pop(session.get("visit"), {"id_token": ""})
    session.clear()
    query = urlencode({"id_token_hint": visit["id_token"], "post_logout_redirect_uri": BASE + "/"})
    return redirect(portico.load_server_metadata()["end_session_endpoint"] + "?" + query, 303)


@app.errorhandler(OAuthError)
def refused(error):
    return f"the sign-in ended with {error.error}: {error.description}", 400


HOME = """<!doctype html><html lang="en"><title>Example</title><link rel="icon" href="data:,">
<h1>Hello{% if email %}, {{ email }}{% endif %}</h1>
{% if email %}<a href="/profile">Profile</a>
<form method="post" action="/sign-out"><button>Sign out</button></form>
{% else %}<a href="/sign-in">Sign in</a>{% endif %}"""

PROFILE = """<!doctype html><html lang="en"><title>Profile</title><link rel="icon" href="data:,"><h1>Profile</h1>
<dl><dt>sub<dd>{{ person.sub }}<dt>name<dd>{{ person.name }}<dt>email<dd>{{ person.email }}</dl>"""


@app.get("/")
def home():
    return render_template_string(HOME, email=visits.get(session.get("visit"), {}).get("email"))


if __name__ == "__main__":
    server = make_server("127.0.0.1", int(os.environ["PORT"]), app, threaded=True)
    print('{"ready": true}', flush=True)
    server.serve_forever()
