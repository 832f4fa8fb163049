//! Tells clients that sessions ended (OpenID Connect Back-Channel Logout section 2.5).
//!
//! The notices were queued by the transaction that ended the sessions, and claimed by it. Who ended them sends them at once, all
//! at the same time and for a moment only, so that the answer comes with the clients told, and no client keeps a person waiting.
//! What is left waits in the queue for the couriers, of whichever node: claimed, sent, deleted. A process that dies in between
//! leaves a claim that ends by itself; the client may then be told twice, and is not forgotten.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use identity::{Actor, Event, EventKind};
use oidc::access_token::TokenId;
use oidc::back_channel_logout::{Attempt, LogoutToken, Telling, after_attempt};
use store::endings::{Ended, LogoutNotice};
use store::{Fault, Tx, write_tx};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

use crate::app::App;
use crate::client_keys::envelope;
use crate::error::Failure;
use crate::tenant::Tenant;
use crate::turns::Turns;

/// For first attempts, all in all. With their recording, an answer is not held up for more than two seconds.
const FIRST_TIME: Duration = Duration::from_millis(1800);
/// For a later attempt; no longer than the door out allows.
const LATER_TIME: Duration = Duration::from_secs(5);
/// Longer than a later attempt and its recording take.
const CLAIM: Duration = Duration::from_mins(1);
/// Notices on their way at once.
const COURIERS: usize = 16;
/// How often the queue is looked at: for what nobody told at once, for what is to be tried again, for what another node left.
const POLL: Duration = Duration::from_secs(5);

/// What this node has done.
#[derive(Debug, Default)]
pub struct NoticeCounts {
    pub delivered: AtomicU64,
    pub postponed: AtomicU64,
    pub given_up: AtomicU64,
}

/// Sends the notices of sessions that have just ended, once their transaction is committed. What doesn't succeed is logged and
/// stays in the queue, so there is no error: a session ends whatever its clients say.
pub async fn tell(app: &App, tenant: &Arc<Tenant>, ended: Ended) {
    if ended.notices.is_empty() {
        return;
    }
    let attempts = ended.notices.iter().map(async |notice| {
        let attempt = attempt(app, tenant, notice);
        tokio::time::timeout(FIRST_TIME, attempt).await.unwrap_or(Attempt::NotReached)
    });
    let attempts = join_all(attempts).await;
    if let Err(fault) = record(app, tenant, ended.notices.iter().zip(attempts)).await {
        tracing::error!(%fault, "cannot record which clients were told of a logout");
    }
}

/// What couriers with nothing to do wait for: their turn to look, or one who found something.
#[derive(Default)]
struct Waiting {
    turns: Turns,
    found: Notify,
}

/// Tells clients until `stopped`; a notice on its way then is seen to its end.
pub(crate) async fn carry(app: Arc<App>, stopped: watch::Receiver<bool>) {
    let (mut couriers, waiting) = (JoinSet::new(), Arc::<Waiting>::default());
    for _ in 0..COURIERS {
        couriers.spawn(work(Arc::clone(&app), Arc::clone(&waiting), stopped.clone()));
    }
    while couriers.join_next().await.is_some() {}
}

async fn work(app: Arc<App>, waiting: Arc<Waiting>, mut stopped: watch::Receiver<bool>) {
    let mut is_failing = false;
    while !*stopped.borrow() {
        match carry_one(&app, &waiting.found).await {
            Ok(true) => {
                is_failing = false;
                continue;
            }
            Ok(false) => is_failing = false,
            // Told once, not every second.
            Err(fault) if !is_failing => {
                is_failing = true;
                tracing::error!(%fault, "cannot look for clients to tell of a logout");
            }
            Err(_) => {}
        }
        tokio::select! {
            () = waiting.turns.wait(POLL) => {}
            () = waiting.found.notified() => {}
            _ = stopped.changed() => break,
        }
    }
}

/// Takes one notice from the queue and sees to it; false when there was none.
async fn carry_one(app: &App, found: &Notify) -> Result<bool, Fault> {
    let Some((tenant, notice)) = claim(app).await? else { return Ok(false) };
    // There may be another one, for another courier.
    found.notify_one();
    let attempt = attempt(app, &tenant, &notice).await;
    record(app, &tenant, [(&notice, attempt)]).await?;
    Ok(true)
}

async fn claim(app: &App) -> Result<Option<(Arc<Tenant>, LogoutNotice)>, Fault> {
    let queues = app.store.directory().notice_queues().await?;
    let now = app.clock.now();
    for queue in queues.iter().filter(|it| it.due.has_passed(now)) {
        let Some(tenant) = app.tenant(queue.tenant).await? else { continue };
        let until = now.plus(CLAIM);
        let claimed = write_tx!(app.store, tenant.id, |tx| -> Result<_, Fault> {
            tx.claim_logout_notice(now, until).await
        })?;
        if let Some(notice) = claimed {
            return Ok(Some((tenant, notice)));
        }
    }
    Ok(None)
}

async fn attempt(app: &App, tenant: &Arc<Tenant>, notice: &LogoutNotice) -> Attempt {
    match send(app, tenant, notice).await {
        Ok(attempt) => attempt,
        Err(failure) => {
            tracing::error!(failure = %failure.into_cause(), client = %notice.client, "cannot make a logout token");
            Attempt::NotReached
        }
    }
}

/// Makes a token and posts it. A fresh one for each attempt: it lives shortly, and none is ever sent twice.
async fn send(app: &App, tenant: &Arc<Tenant>, notice: &LogoutNotice) -> Result<Attempt, Failure> {
    let client = app.client(tenant, &notice.client).await?;
    let Some((client, channel)) = client.and_then(|it| it.backchannel_logout.clone().map(|to| (it, to)))
    else {
        return Ok(Attempt::NobodyThere);
    };
    let Ok(envelope) = envelope(app, tenant, &client, client.id_token_encryption, app.clock.now()).await
    else {
        return Ok(Attempt::NotReached);
    };
    let algorithm = client.id_token_algorithm;
    let keys = app.keys_for(tenant, &[algorithm]).await?;
    let signer = keys.set.signer(algorithm);
    let signer = signer.ok_or_else(|| Failure::new(format!("{} has no key for {algorithm:?}", tenant.id)))?;
    let token = LogoutToken {
        issuer: tenant.issuer.as_str().to_owned(),
        audience: notice.client.clone(),
        subject: notice.subject.clone(),
        session: notice.session,
        id: TokenId::new(app.entropy.bytes()),
        issued_at: app.clock.now(),
    };
    // The same form as that of the client's ID tokens (OpenID Connect Back-Channel Logout section 2.4).
    let token = envelope.around(token.sign(signer).map_err(Failure::new)?).map_err(Failure::new)?;
    match app.egress.post_form(&channel.uri, &[("logout_token", &token)], LATER_TIME).await {
        Ok(status) => Ok(Attempt::Answered(status)),
        Err(error) => {
            tracing::warn!(%error, client = %notice.client, attempt = notice.attempt, "a client was not told of a logout");
            Ok(Attempt::NotReached)
        }
    }
}

/// A notice after its attempt, with what is to be done with it, and what is to be told of one that is given up.
struct Judged<'a>(&'a LogoutNotice, Telling, Option<Event>);

async fn record<'a>(
    app: &App,
    tenant: &Tenant,
    attempts: impl IntoIterator<Item = (&'a LogoutNotice, Attempt)>,
) -> Result<(), Fault> {
    let judged: Vec<_> = attempts.into_iter().map(|(notice, ended)| judge(app, notice, ended)).collect();
    write_tx!(app.store, tenant.id, |tx| -> Result<(), Fault> {
        for judged in &judged {
            apply(tx, judged).await?;
        }
        Ok(())
    })
}

fn judge<'a>(app: &App, notice: &'a LogoutNotice, ended: Attempt) -> Judged<'a> {
    let now = app.clock.now();
    let [chance] = app.entropy.bytes();
    let (client, attempt, counts) = (&notice.client, notice.attempt, &app.notices);
    let telling = after_attempt(attempt, ended, notice.queued_at, now, chance);
    let mut event = None;
    match telling {
        Telling::Told => count(&counts.delivered),
        Telling::Dropped => {}
        Telling::RetryAt(_) => {
            count(&counts.postponed);
            tracing::warn!(%client, attempt, failure = %ended, "a client is told of a logout later");
        }
        Telling::GiveUp => {
            count(&counts.given_up);
            tracing::error!(%client, attempt, failure = %ended, "a client will not be told of a logout");
            let given_up = Event::new(app.event_id(), EventKind::LogoutNoticeGivenUp, Actor::System, now);
            let given_up = given_up.about(client).with_session(notice.session);
            event = Some(given_up.with("failure", ended).with("attempts", attempt));
        }
    }
    Judged(notice, telling, event)
}

async fn apply(tx: &mut Tx, Judged(notice, telling, event): &Judged<'_>) -> Result<(), Fault> {
    match telling {
        Telling::RetryAt(at) => drop(tx.postpone_logout_notice(notice, *at).await?),
        Telling::Told | Telling::Dropped | Telling::GiveUp => {
            // Only whoever made the newest attempt tells that it was the last.
            if tx.delete_logout_notice(notice).await?
                && let Some(event) = event
            {
                tx.append_event(event).await?;
            }
        }
    }
    Ok(())
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
