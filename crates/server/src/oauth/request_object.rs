//! What an authorization request says in a request object (OpenID Connect Core section 6): found, verified, and put in place
//! of what stands beside it. It is done once, when the request comes; what waits in a flow has been through here.

use oidc::authorize::{self, AuthorizeRefusal, PageReason};
use oidc::client::Client;
use oidc::jose::ClientAlgorithm;
use oidc::params::Parameters;
use oidc::request_object::{self, Carrier, Carrying, PlainRequest, RequestObject, RequestRefusal, Verifiers};
use store::Fault;
use terms::Timestamp;

use super::caller;
use crate::client_keys::{Wanted, keys_of};
use crate::pages::Stop;
use crate::pages::error::too_often;
use crate::rate_limits::Limit;
use crate::registered::RegisteredClient;
use crate::request::Site;

/// A request that has just come, with all that it says in the open.
pub(super) struct Arrived {
    pub request: PlainRequest,
    /// Whether it counts as one of its address already.
    pub is_counted: bool,
}

/// Opens a request that has just come.
pub(super) async fn arrive(
    site: &Site,
    parameters: Parameters,
    now: Timestamp,
) -> Result<Result<Arrived, AuthorizeRefusal>, Stop> {
    let carrying = match PlainRequest::of(parameters) {
        Ok(request) => return Ok(Ok(Arrived { request, is_counted: false })),
        Err(carrying) => carrying,
    };
    // Before anything is fetched: an object, or the keys to verify it by.
    site.count(Limit::Starts).map_err(|wait| too_often(site, wait))?;
    let page = |reason| Ok(Err(AuthorizeRefusal::Page(reason)));
    let id = match authorize::client_id(carrying.outer()) {
        Ok(id) => id,
        Err(reason) => return page(reason),
    };
    let Some(registered) = site.app.registered_client(&site.tenant, &id).await? else {
        return page(PageReason::ClientUnknown);
    };
    let client = &registered.client;
    Ok(match open(site, &carrying, &registered, now).await? {
        Ok(request) => Ok(Arrived { request, is_counted: true }),
        Err(refusal) => Err(authorize::refuse_object(carrying.outer(), client, refusal)),
    })
}

async fn open(
    site: &Site,
    carrying: &Carrying,
    registered: &RegisteredClient,
    now: Timestamp,
) -> Result<Result<PlainRequest, RequestRefusal>, Fault> {
    let client = &registered.client;
    let token = match carrying.carrier() {
        Err(refusal) => return Ok(Err(refusal)),
        Ok(Carrier::Value(token)) => token.to_owned(),
        Ok(Carrier::Reference(uri)) => match fetch(site, uri, client).await {
            Ok(token) => token,
            Err(refusal) => return Ok(Err(refusal)),
        },
    };
    let object = match RequestObject::parse(&token, client) {
        Ok(object) => object,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let by = verifiers(site, registered, &object, now).await?;
    let verified = object.verify(client, &by, site.tenant.issuer.as_str(), now);
    Ok(verified.and_then(|verified| verified.merge(carrying.outer())))
}

/// Fetches what lies at a registered address. Why nothing could be fetched, the log says: whoever asks learns nothing of what
/// this server reaches.
async fn fetch(site: &Site, uri: &str, client: &Client) -> Result<String, RequestRefusal> {
    let address = request_object::address(uri, client)?;
    let fetched = site.app.egress.fetch_request_object(address).await.map_err(|error| {
        tracing::warn!(client = %client.id, problem = %error, "cannot fetch the client's request object");
        RequestRefusal::UriUnreachable
    })?;
    let token = String::from_utf8(fetched).map_err(|_| RequestRefusal::Malformed)?;
    // Files end in a line break by habit.
    Ok(token.trim_ascii_end().to_owned())
}

/// By what the object is to be verified: the client's secrets or its keys, as its algorithm says, which the client may use.
async fn verifiers(
    site: &Site,
    RegisteredClient { client, secrets }: &RegisteredClient,
    object: &RequestObject<'_>,
    now: Timestamp,
) -> Result<Verifiers, Fault> {
    match object.algorithm() {
        ClientAlgorithm::Hs256 => {
            let secrets = caller::open_client_secrets(site, client, secrets)?;
            Ok(Verifiers { secrets, keys: None })
        }
        ClientAlgorithm::Signature(algorithm) => {
            let wanted = Wanted::Verifying { key_id: object.key_id(), algorithm };
            let keys = keys_of(&site.app, &site.tenant, client, wanted, now).await;
            Ok(Verifiers { secrets: Vec::new(), keys })
        }
    }
}
