//! Every URL, its methods and its handler: one line each, grouped by what they are for.

use std::sync::Arc;

use axum::Router;
use axum::middleware::map_response;
use axum::response::Response;
use axum::routing::{get, post};
use oidc::discovery::path;

use crate::app::App;
use crate::config::Mode;
use crate::doctor::echo;
use crate::error::Notice;
use crate::health;
use crate::pages::{
    account, admin, brand, consent, device, home, language, mailbox, password_strength, recover,
    select_account, sign_in, sign_out, sign_up, style, verify,
};
use crate::request::{Front, TellRoute};

/// The whole service: the tables below inside the request's frame.
pub fn service(app: &Arc<App>) -> Front {
    let mut table = protocol().merge(pages()).merge(accounts()).merge(administration()).merge(operations());
    if app.config.mode == Mode::Development {
        table = table.merge(development());
    }
    let table = table.fallback(|| async { Notice::NO_SUCH_PAGE });
    let operations = operations().fallback(|| async { Notice::UNKNOWN_HOST });
    let [table, operations] =
        [table, operations].map(|table| table.layer(TellRoute).with_state(Arc::clone(app)));
    Front::new(Arc::clone(app), table, operations)
}

/// What relying parties and resource servers ask.
fn protocol() -> Router<Arc<App>> {
    use crate::oauth::{
        authorize, check_session, device, discovery, end_session, introspect, jwks, register, respond,
        revoke, token, userinfo,
    };
    // Those that clients in browsers ask, from whatever origin (the Fetch standard's CORS protocol).
    let from_anywhere = Router::new()
        .route(path::OPENID_CONFIGURATION, get(discovery::document).options(respond::preflight))
        .route(path::AUTHORIZATION_SERVER, get(discovery::document).options(respond::preflight))
        .route(path::JWKS, get(jwks::document).options(respond::preflight))
        .route(path::TOKEN, post(token::token).options(respond::preflight))
        .route(path::USERINFO, get(userinfo::userinfo).post(userinfo::userinfo).options(respond::preflight))
        .route(path::REVOKE, post(revoke::revoke).options(respond::preflight))
        .route(path::DEVICE_AUTHORIZATION, post(device::begin).options(respond::preflight))
        .layer(map_response(|mut response: Response| async {
            respond::any_origin(response.headers_mut());
            response
        }));
    Router::new()
        .merge(from_anywhere)
        .route(echo::PATH, get(echo::answer))
        .route(path::INTROSPECT, post(introspect::introspect))
        .route(path::REGISTER, post(register::register))
        .route(
            "/oauth/register/{client}",
            get(register::show).put(register::replace).delete(register::remove),
        )
        .route(path::AUTHORIZE, get(authorize::show).post(authorize::store_and_go_on))
        .route("/oauth/authorize/continue", get(authorize::go_on))
        .route(path::CHECK_SESSION, get(check_session::show))
        .route(path::END_SESSION, get(end_session::show).post(end_session::store_and_go_on))
        .route("/oauth/end_session/continue", get(end_session::go_on))
        .route("/oauth/end_session/confirm", post(end_session::confirm))
}

/// What people see.
fn pages() -> Router<Arc<App>> {
    Router::new()
        .route("/", get(home::show))
        .route("/language", post(language::choose))
        .route("/consent", get(consent::show).post(consent::answer))
        .route(path::DEVICE, get(device::show).post(device::enter))
        .route("/device/done", get(device::done))
        .route("/select-account", get(select_account::show).post(select_account::choose))
        .route("/sign-in", get(sign_in::show).post(sign_in::identify))
        .route("/sign-in/password", get(sign_in::show_password).post(sign_in::prove))
        .route("/sign-up", get(sign_up::show).post(sign_up::begin))
        .route("/sign-up/verify", get(verify::show).post(verify::prove))
        .route("/sign-up/resend", post(verify::resend))
        .route("/password/strength", post(password_strength::judge))
        .route("/password/forgot", get(recover::show_forgot).post(recover::begin))
        .route("/password/code", post(recover::verify))
        .route("/password/resend", post(recover::resend))
        .route("/password/reset", get(recover::show).post(recover::set))
        .route("/sign-out", get(sign_out::show).post(sign_out::end))
        .route(style::path(), get(style::show))
        .route(style::script_path(), get(style::show_script))
        .route("/assets/{file}", get(brand::show))
}

/// What people do with their own account.
fn accounts() -> Router<Arc<App>> {
    use account::{clients, confirm, data, delete, email, language, password, profile, sessions, username};
    Router::new()
        .route("/account", get(profile::show).post(profile::save))
        .route("/account/username", post(username::change))
        .route("/account/email", get(email::show).post(email::add))
        .route("/account/email/verify", get(email::show_verify).post(email::verify))
        .route("/account/email/resend", post(email::resend))
        .route("/account/email/primary", post(email::make_primary))
        .route("/account/email/remove", post(email::remove))
        .route("/account/password", get(password::show).post(password::change))
        .route("/account/sessions", get(sessions::show).post(sessions::end))
        .route("/account/clients", get(clients::show).post(clients::disconnect))
        .route("/account/language", get(language::show).post(language::choose))
        .route("/account/data", get(data::show).post(data::export))
        .route("/account/delete", get(delete::show).post(delete::delete))
        .route("/account/confirm", get(confirm::show).post(confirm::prove))
}

/// Declares routes together with the list of them.
macro_rules! administration {
    ($($method:ident $path:literal => $handler:path;)*) => {
        /// Every route of the administration: its method and path. The authorization matrix asks each as everybody.
        pub const ADMINISTRATION: &[(&str, &str)] = &[$((stringify!($method), $path)),*];

        /// What administrators of a tenant see and do.
        fn administration() -> Router<Arc<App>> {
            Router::new()$(.route($path, $method($handler)))*
        }
    };
}

administration! {
    get "/admin" => admin::begin;
    get "/admin/enter" => admin::enter::show;
    post "/admin/enter" => admin::enter::enter;
    get "/admin/password" => admin::password::show;
    post "/admin/password" => admin::password::choose;
    get "/admin/users" => admin::users::list;
    get "/admin/users/new" => admin::users::show_new;
    post "/admin/users/new" => admin::users::create;
    get "/admin/users/{user}" => admin::users::show;
    post "/admin/users/{user}/disable" => admin::users::disable;
    post "/admin/users/{user}/enable" => admin::users::enable;
    post "/admin/users/{user}/sign-out" => admin::users::sign_out;
    post "/admin/users/{user}/end-session" => admin::users::end_session;
    post "/admin/users/{user}/forgive" => admin::users::forgive;
    post "/admin/users/{user}/reset-password" => admin::users::reset_password;
    post "/admin/users/{user}/delete" => admin::users::delete;
    get "/admin/clients" => admin::clients::list;
    get "/admin/clients/new" => admin::clients::show_new;
    post "/admin/clients/new" => admin::clients::create;
    get "/admin/clients/{client}" => admin::clients::show;
    get "/admin/clients/{client}/edit" => admin::clients::show_edit;
    post "/admin/clients/{client}/edit" => admin::clients::edit;
    post "/admin/clients/{client}/secret" => admin::clients::new_secret;
    post "/admin/clients/{client}/end-secrets" => admin::clients::end_secrets;
    post "/admin/clients/{client}/delete" => admin::clients::delete;
    get "/admin/keys" => admin::keys::list;
    post "/admin/keys/rotate" => admin::keys::rotate;
    get "/admin/keys/{key}/revoke" => admin::keys::show_revoke;
    post "/admin/keys/{key}/revoke" => admin::keys::revoke;
    get "/admin/settings" => admin::settings::show;
    post "/admin/settings" => admin::settings::save;
    post "/admin/settings/logo" => admin::settings::put_logo;
    post "/admin/settings/remove-logo" => admin::settings::remove_logo;
    get "/admin/events" => admin::events::list;
    get "/admin/events/{event}" => admin::events::show;
}

/// Whether a GET of this path is a page of the administration.
pub fn is_page_of_administration(path: &str) -> bool {
    let fits = |pattern: &str| {
        let same =
            |(wanted, given): (&str, &str)| wanted == given || (wanted.starts_with('{') && !given.is_empty());
        pattern.split('/').count() == path.split('/').count()
            && pattern.split('/').zip(path.split('/')).all(same)
    };
    ADMINISTRATION.iter().any(|(method, pattern)| *method == "get" && fits(pattern))
}

/// What only `portico dev` has.
fn development() -> Router<Arc<App>> {
    Router::new()
        .route("/dev/mailbox", get(mailbox::show))
        .route("/dev/mailbox.json", get(mailbox::list))
        .route("/dev/mailbox/{mail}", get(mailbox::show_html))
}

/// What operators' machines ask, under any host.
fn operations() -> Router<Arc<App>> {
    Router::new().route("/healthz", get(health::alive)).route("/readyz", get(health::ready))
}
