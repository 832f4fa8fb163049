"""A web application that signs people in with Portico: Flask and Authlib.

Everything that is about the protocol is in sign_in, callback and sign_out.
"""

import os
import secrets
from urllib.parse import urlencode

from authlib.integrations.flask_client import OAuth, OAuthError
from flask import Flask, redirect, render_template_string, session
from werkzeug.serving import make_server

BASE = f"http://localhost:{os.environ['PORT']}"

app = Flask(__name__)
# Signs the cookie in which Flask keeps the visit. One that outlives the process comes from where secrets are kept.
app.secret_key = secrets.token_bytes(32)
app.config.update(SESSION_COOKIE_NAME="visit", SESSION_COOKIE_SAMESITE="Lax")

portico = OAuth(app).register(
    "portico",
    client_id=os.environ["CLIENT_ID"],
    client_secret=os.environ["CLIENT_SECRET"],
    server_metadata_url=os.environ["ISSUER"] + "/.well-known/openid-configuration",
    client_kwargs={"scope": "openid profile email", "code_challenge_method": "S256"},
)


@app.get("/sign-in")
def sign_in():
    # Authlib keeps state, nonce and the PKCE verifier in the session.
    return portico.authorize_redirect(BASE + "/callback")


@app.get("/callback")
def callback():
    # Checks state, redeems the code, verifies the ID token with its nonce.
    token = portico.authorize_access_token()
    person = portico.userinfo(token=token)
    # OpenID Connect Core section 5.3.4: userinfo counts only if it is about the same person.
    if person["sub"] != token["userinfo"]["sub"]:
        return "userinfo is about somebody else", 502
    session.clear()
    session["email"] = person["email"]
    session["id_token"] = token["id_token"]
    return redirect("/", 303)


@app.post("/sign-out")
def sign_out():
    hint = session.get("id_token", "")
    session.clear()
    query = urlencode({"id_token_hint": hint, "post_logout_redirect_uri": BASE + "/"})
    return redirect(portico.load_server_metadata()["end_session_endpoint"] + "?" + query, 303)


@app.errorhandler(OAuthError)
def refused(error):
    return f"the sign-in ended with {error.error}", 400


PAGE = """<!doctype html><html lang="en"><title>Example</title><link rel="icon" href="data:,">
<h1>Hello{% if email %}, {{ email }}{% endif %}</h1>
{% if email %}<form method="post" action="/sign-out"><button>Sign out</button></form>
{% else %}<a href="/sign-in">Sign in</a>{% endif %}"""


@app.get("/")
def home():
    return render_template_string(PAGE, email=session.get("email"))


if __name__ == "__main__":
    server = make_server("127.0.0.1", int(os.environ["PORT"]), app, threaded=True)
    print('{"ready": true}', flush=True)
    server.serve_forever()
