//! Administrators of a tenant: users who hold the role, and the one-time link by which an operator lets one in.

use terms::{AdminLinkId, BrowserId, SessionId, TenantId, Timestamp, UserId, limits};

use crate::session::{Factor, FactorMethod, Session};
use crate::sign_in::FactorProof;
use crate::user::User;

/// That a user holds the role in a tenant, as it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AdminRole {
    pub tenant_id: TenantId,
    pub user_id: UserId,
    pub granted_at: Timestamp,
}

/// What it is judged by whether somebody may administer: read anew for each request, and again within each write.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The browser that asks.
    pub browser_id: BrowserId,
    /// The session that it names.
    pub session: Option<&'a Session>,
    /// The session's user.
    pub user: Option<&'a User>,
    /// The role of that user.
    pub role: Option<&'a AdminRole>,
    pub now: Timestamp,
}

/// Why somebody may not administer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AdminRefusal {
    /// There is no session that stands for an enabled user in this browser.
    NotSignedIn,
    /// The user doesn't hold the role, or holds it no longer.
    NotAdmin,
    /// What was asked for takes a person who showed who they are a moment ago.
    NotRecent,
}

/// The proof that an administrator of the tenant asks. Only [`admit`] makes one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TenantAdmin {
    tenant_id: TenantId,
    user_id: UserId,
    session_id: SessionId,
    proven_at: Timestamp,
}

impl TenantAdmin {
    pub fn tenant_id(&self) -> TenantId {
        self.tenant_id
    }

    pub fn user_id(&self) -> UserId {
        self.user_id
    }

    pub fn session_id(&self) -> SessionId {
        self.session_id
    }

    /// Whether the person showed who they are in this session a moment ago, as what can't be undone asks for.
    pub fn is_recent(&self, now: Timestamp) -> bool {
        !self.proven_at.plus(limits::RECENT_PROOF).has_passed(now)
    }
}

/// Judges whether an administrator asks.
pub fn admit(facts: &Facts<'_>) -> Result<TenantAdmin, AdminRefusal> {
    let Some(session) = facts.session else { return Err(AdminRefusal::NotSignedIn) };
    if session.browser_id != facts.browser_id || !session.is_live(facts.now) {
        return Err(AdminRefusal::NotSignedIn);
    }
    let Some(user) = facts.user else { return Err(AdminRefusal::NotSignedIn) };
    if user.id != session.user_id || !user.is_enabled() {
        return Err(AdminRefusal::NotSignedIn);
    }
    let Some(role) = facts.role else { return Err(AdminRefusal::NotAdmin) };
    if role.user_id != user.id {
        return Err(AdminRefusal::NotAdmin);
    }
    let (tenant_id, user_id) = (role.tenant_id, user.id);
    Ok(TenantAdmin { tenant_id, user_id, session_id: session.id, proven_at: session.auth_time() })
}

/// A one-time link for an administrator, as it is stored. The link itself is not: its secret is recognised by a hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdminLink {
    pub id: AdminLinkId,
    pub user_id: UserId,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
}

impl AdminLink {
    pub fn new(id: AdminLinkId, user_id: UserId, now: Timestamp) -> Self {
        Self { id, user_id, created_at: now, expires_at: now.plus(limits::ADMIN_LINK_LIFETIME) }
    }
}

/// A link that was spent by the very request that asks. The store gives one out once per link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpentAdminLink(pub AdminLink);

/// The proof from which the session is minted of whoever opened a link: it was given to an administrator, who still is one.
pub fn prove_link(
    spent: &SpentAdminLink,
    user: Option<&User>,
    role: Option<&AdminRole>,
    now: Timestamp,
) -> Option<FactorProof> {
    let SpentAdminLink(link) = spent;
    let is_for = user.is_some_and(|user| user.id == link.user_id && user.is_enabled())
        && role.is_some_and(|role| role.user_id == link.user_id);
    let holds = is_for && !link.expires_at.has_passed(now);
    holds.then(|| {
        FactorProof::new(link.user_id, Factor { method: FactorMethod::OneTimeLink, verified_at: now })
    })
}

#[cfg(test)]
mod tests {
    use super::AdminRefusal as R;
    use super::*;
    use crate::session::Device;
    use crate::user::Profile;

    const NOW: Timestamp = Timestamp::from_seconds(1_000_000);

    fn user_id(number: u8) -> UserId {
        UserId::new(NOW, [number; 10])
    }

    struct Scene {
        browser: BrowserId,
        session: Option<Session>,
        user: Option<User>,
        role: Option<AdminRole>,
        now: Timestamp,
    }

    fn scene() -> Scene {
        let browser = BrowserId::new(NOW, [1; 10]);
        let factor = Factor { method: FactorMethod::Password, verified_at: NOW };
        let proof = FactorProof::new(user_id(3), factor);
        let session = Session::mint(SessionId::new(NOW, [2; 10]), browser, &proof, Device::default(), NOW);
        let user = User {
            id: user_id(3),
            subject: "s".parse().unwrap(),
            emails: Vec::new(),
            profile: Profile::default(),
            created_at: NOW,
            updated_at: NOW,
            language: None,
            username: None,
            disabled_at: None,
        };
        let role = AdminRole { tenant_id: TenantId::new(NOW, [4; 10]), user_id: user_id(3), granted_at: NOW };
        Scene { browser, session: Some(session), user: Some(user), role: Some(role), now: NOW }
    }

    fn judged(scene: &Scene) -> Result<TenantAdmin, AdminRefusal> {
        admit(&Facts {
            browser_id: scene.browser,
            session: scene.session.as_ref(),
            user: scene.user.as_ref(),
            role: scene.role.as_ref(),
            now: scene.now,
        })
    }

    type Spoil = fn(&mut Scene);

    #[test]
    fn only_an_enabled_user_with_the_role_in_a_live_session_of_this_browser_is_admitted() {
        let admin = judged(&scene()).unwrap();
        assert_eq!((admin.user_id(), admin.tenant_id()), (user_id(3), TenantId::new(NOW, [4; 10])));
        let cases: [(Spoil, R); 9] = [
            (|s| s.session = None, R::NotSignedIn),
            (|s| s.browser = BrowserId::new(NOW, [9; 10]), R::NotSignedIn),
            (|s| s.session.as_mut().unwrap().ended_at = Some(NOW), R::NotSignedIn),
            (|s| s.now = NOW.plus(limits::SESSION_LIFETIME), R::NotSignedIn),
            (|s| s.user = None, R::NotSignedIn),
            (|s| s.user.as_mut().unwrap().id = user_id(9), R::NotSignedIn),
            (|s| s.user.as_mut().unwrap().disabled_at = Some(NOW), R::NotSignedIn),
            (|s| s.role = None, R::NotAdmin),
            (|s| s.role.as_mut().unwrap().user_id = user_id(9), R::NotAdmin),
        ];
        for (index, (spoil, refusal)) in cases.into_iter().enumerate() {
            let mut scene = scene();
            spoil(&mut scene);
            assert_eq!(judged(&scene), Err(refusal), "case {index}");
        }
    }

    #[test]
    fn what_cannot_be_undone_asks_for_a_recent_proof() {
        let admin = judged(&scene()).unwrap();
        let end = NOW.plus(limits::RECENT_PROOF);
        assert!(admin.is_recent(NOW) && admin.is_recent(end.minus(std::time::Duration::from_millis(1))));
        assert!(!admin.is_recent(end));
    }

    #[test]
    fn a_link_lets_in_whom_it_was_given_to_while_it_holds() {
        let Scene { user, role, .. } = scene();
        let link = AdminLink::new(AdminLinkId::new(NOW, [5; 10]), user_id(3), NOW);
        let spent = SpentAdminLink(link.clone());
        let proof = prove_link(&spent, user.as_ref(), role.as_ref(), NOW).unwrap();
        assert_eq!((proof.user_id(), proof.factor().method.amr()), (user_id(3), "otp"));
        let disabled = user.clone().map(|user| User { disabled_at: Some(NOW), ..user });
        let others = Some(AdminRole { user_id: user_id(9), ..role.unwrap() });
        for (index, (user, role, now)) in [
            (None, role, NOW),
            (disabled, role, NOW),
            (user.clone().map(|user| User { id: user_id(9), ..user }), role, NOW),
            (user.clone(), None, NOW),
            (user.clone(), others, NOW),
            (user, role, link.expires_at),
        ]
        .into_iter()
        .enumerate()
        {
            assert_eq!(prove_link(&spent, user.as_ref(), role.as_ref(), now), None, "case {index}");
        }
    }
}
