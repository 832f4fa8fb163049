//! The post: takes mails from the queue in the store and hands them to the mail server, for as long as the server runs.
//!
//! A few carriers do the same, each with a conversation of its own that it keeps for a while, so that one mail that the
//! server is slow with doesn't hold up the others. A carrier that finds a mail wakes the next carrier before it sends.
//! A mail is claimed, sent, and deleted. A process that dies in between leaves a claim that ends by itself: the mail
//! may then come twice, and is not lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use identity::delivery::{Attempt, Delivery, Unsendable, after_attempt};
use identity::{Actor, Event, EventKind};
use store::mail::{ClaimedMail, MailRecord};
use store::{Fault, write_tx};
use terms::Timestamp;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::app::App;
use crate::config::SmtpConfig;
use crate::mail::MailBody;
use crate::parcel::{Content, Parcel};
use crate::smtp::{Conversation, Trouble};
use crate::tenant::Tenant;
use crate::turns::Turns;

/// Mails on their way at once.
const CARRIERS: usize = 4;
/// How often the queue is looked at unasked: for what another node left, and for what is to be tried again.
const POLL: Duration = Duration::from_secs(5);
/// How long a conversation is kept without a mail.
const KEPT_OPEN: Duration = Duration::from_secs(20);

/// What the post has done and what waits for it, for whoever measures.
#[derive(Debug, Default)]
pub struct PostCounts {
    pub delivered: AtomicU64,
    pub postponed: AtomicU64,
    pub given_up: AtomicU64,
    /// Mails in the queue, as of the last look.
    pub waiting: AtomicI64,
    /// When the oldest of them was appended, in milliseconds; 0 when none waits.
    pub oldest_millis: AtomicI64,
}

impl PostCounts {
    /// How long the oldest mail waits.
    pub fn oldest_age(&self, now: Timestamp) -> Duration {
        match self.oldest_millis.load(Ordering::Relaxed) {
            0 => Duration::ZERO,
            millis => now.since(Timestamp::from_millis(millis)),
        }
    }
}

/// Carries mails until `stopped`; a mail in flight then is seen to its end.
pub(crate) async fn carry(app: Arc<App>, smtp: SmtpConfig, stopped: watch::Receiver<bool>) {
    let (smtp, turns) = (Arc::new(smtp), Arc::<Turns>::default());
    let mut carriers = JoinSet::new();
    for _ in 0..CARRIERS {
        let carrier = Carrier {
            app: Arc::clone(&app),
            smtp: Arc::clone(&smtp),
            turns: Arc::clone(&turns),
            conversation: None,
            failing: false,
        };
        carriers.spawn(carrier.work(stopped.clone()));
    }
    while carriers.join_next().await.is_some() {}
}

struct Carrier {
    app: Arc<App>,
    smtp: Arc<SmtpConfig>,
    turns: Arc<Turns>,
    conversation: Option<Conversation>,
    /// Whether the last look at the queue failed: told once, not every second.
    failing: bool,
}

impl Carrier {
    async fn work(mut self, mut stopped: watch::Receiver<bool>) {
        let (app, turns) = (Arc::clone(&self.app), Arc::clone(&self.turns));
        let mut idle_since = Instant::now();
        while !*stopped.borrow() {
            if self.carry_one().await {
                idle_since = Instant::now();
                continue;
            }
            let kept_until = idle_since + KEPT_OPEN;
            tokio::select! {
                () = app.store.mail_appended().notified() => {}
                () = turns.wait(POLL) => {}
                () = tokio::time::sleep_until(kept_until), if self.conversation.is_some() => {}
                _ = stopped.changed() => break,
            }
            if Instant::now() >= kept_until
                && let Some(conversation) = self.conversation.take()
            {
                conversation.end().await;
            }
        }
        if let Some(conversation) = self.conversation.take() {
            conversation.end().await;
        }
    }

    /// Takes one mail from the queue and sees to it; false when there was none.
    async fn carry_one(&mut self) -> bool {
        let found = match self.claim().await {
            Ok(found) => found,
            Err(fault) => {
                if !self.failing {
                    tracing::error!(%fault, "cannot look for mail to send");
                }
                self.failing = true;
                return false;
            }
        };
        self.failing = false;
        let Some((tenant, claimed)) = found else { return false };
        // There may be another one, for another carrier.
        self.app.store.mail_appended().notify_one();
        let attempt = self.attempt(&tenant, &claimed).await;
        if let Err(fault) = self.record(&tenant, &claimed, attempt).await {
            tracing::error!(%fault, mail = %claimed.mail.id, "cannot record what became of a mail");
        }
        true
    }

    async fn claim(&self) -> Result<Option<(Arc<Tenant>, ClaimedMail)>, Fault> {
        let queues = self.app.store.directory().mail_queues().await?;
        let counts = &self.app.post;
        counts.waiting.store(queues.iter().map(|it| it.waiting).sum(), Ordering::Relaxed);
        let oldest = queues.iter().map(|it| it.oldest.as_millis()).min();
        counts.oldest_millis.store(oldest.unwrap_or_default(), Ordering::Relaxed);
        let now = self.app.clock.now();
        for queue in queues.iter().filter(|it| it.due.has_passed(now)) {
            let Some(tenant) = self.app.tenant(queue.tenant).await? else { continue };
            let until = now.plus(self.longest_attempt());
            let claimed = write_tx!(self.app.store, tenant.id, |tx| -> Result<_, Fault> {
                tx.claim_mail(now, until).await
            })?;
            if let Some(claimed) = claimed {
                return Ok(Some((tenant, claimed)));
            }
        }
        Ok(None)
    }

    /// Longer than an attempt can take: connecting, greeting, TLS, signing in, sending, recording.
    fn longest_attempt(&self) -> Duration {
        self.smtp.timeout * 12 + Duration::from_mins(1)
    }

    async fn attempt(&mut self, tenant: &Tenant, claimed: &ClaimedMail) -> Attempt {
        if claimed.mail.expires_at.has_passed(self.app.clock.now()) {
            return Attempt::TooLate;
        }
        let Some(parcel) = self.pack(tenant, &claimed.mail) else {
            return Attempt::Unsendable(Unsendable::Unreadable);
        };
        match self.hand_over(&parcel).await {
            Ok(()) => Attempt::Accepted,
            Err(trouble) => trouble.attempt,
        }
    }

    fn pack(&self, tenant: &Tenant, mail: &MailRecord) -> Option<Parcel> {
        let body = MailBody::open(tenant, mail).ok()?;
        let content = Content {
            id: mail.id,
            recipient: &mail.recipient,
            subject: &mail.subject,
            text: &body.text,
            html: body.html.as_deref(),
            written_at: mail.created_at,
        };
        Parcel::of(&self.smtp, tenant.display_name(), content)
    }

    async fn hand_over(&mut self, parcel: &Parcel) -> Result<(), Trouble> {
        let mut kept = self.conversation.take();
        if let Some(conversation) = &mut kept
            && !conversation.lives().await
        {
            kept = None;
        }
        let mut conversation = match kept {
            Some(conversation) => conversation,
            None => Conversation::open(&self.smtp).await?,
        };
        conversation.send(&parcel.envelope, &parcel.message).await?;
        self.conversation = Some(conversation);
        Ok(())
    }

    async fn record(&self, tenant: &Tenant, claimed: &ClaimedMail, ended: Attempt) -> Result<(), Fault> {
        let (id, attempt) = (claimed.mail.id, claimed.attempt);
        let now = self.app.clock.now();
        let [chance] = self.app.entropy.bytes();
        let failure = ended.to_string();
        let counts = &self.app.post;
        match after_attempt(attempt, ended, claimed.mail.expires_at, now, chance) {
            Delivery::Delivered => {
                write_tx!(self.app.store, tenant.id, |tx| -> Result<_, Fault> {
                    tx.delete_mail(id, attempt).await
                })?;
                counts.delivered.fetch_add(1, Ordering::Relaxed);
            }
            Delivery::RetryAt(at) => {
                write_tx!(self.app.store, tenant.id, |tx| -> Result<_, Fault> {
                    tx.postpone_mail(id, attempt, at, &failure).await
                })?;
                counts.postponed.fetch_add(1, Ordering::Relaxed);
                tracing::warn!(mail = %id, attempt, failure, "a mail could not be sent yet");
            }
            Delivery::GiveUp => {
                let is_worthless = claimed.mail.expires_at.has_passed(now);
                let event = Event::new(self.app.event_id(), EventKind::MailGivenUp, Actor::System, now)
                    .about(id)
                    .with("failure", &failure)
                    .with("attempts", attempt);
                write_tx!(self.app.store, tenant.id, |tx| -> Result<(), Fault> {
                    let newest = if is_worthless {
                        tx.delete_mail(id, attempt).await?
                    } else {
                        tx.shelve_mail(id, attempt, &failure).await?
                    };
                    if newest { tx.append_event(&event).await } else { Ok(()) }
                })?;
                counts.given_up.fetch_add(1, Ordering::Relaxed);
                tracing::error!(mail = %id, attempt, failure, "a mail was given up");
            }
        }
        Ok(())
    }
}
