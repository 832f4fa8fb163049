//! Usernames: who has which, and which were somebody's.

use identity::username::UsernameHash;
use terms::{CanonicalUsername, Timestamp, UserId};

use crate::fault::Fault;
use crate::statement::verbs;
use crate::tx::{Read, Tx};

impl Read {
    /// Whether a name could be given out: nobody but this user has or had it, or one that looks like it.
    pub async fn is_username_free(
        &mut self,
        username: &CanonicalUsername,
        hash: UsernameHash,
        to: UserId,
    ) -> Result<bool, Fault> {
        Ok(self.others_with_username(&username.skeleton(), hash, to).await? == 0)
    }
}

impl Tx {
    /// Gives a user who has none a name. False when it, or one that looks like it, is anyone's already.
    pub(crate) async fn insert_username(
        &mut self,
        user: UserId,
        username: &CanonicalUsername,
        now: Timestamp,
    ) -> Result<bool, Fault> {
        self.insert_username_row(username, &username.skeleton(), user, now).await
    }

    /// Gives a user another name in place of the one that they have, whose hash this is. False when the new one, or one that
    /// looks like it, is anyone's: then the caller must not commit. Whether it was somebody's, [`Read::is_username_free`] says.
    pub async fn change_username(
        &mut self,
        user: UserId,
        before: Option<UsernameHash>,
        username: &CanonicalUsername,
        now: Timestamp,
    ) -> Result<bool, Fault> {
        if let Some(hash) = before {
            self.retire_username(hash, user, now).await?;
        }
        // One that looks like their own before must not be in the way of itself.
        self.forget_username_of(user).await?;
        Ok(self.insert_username(user, username, now).await? && self.touch_user(user, now).await?)
    }
}

verbs! {
    read one others_with_username(skeleton: &str, hash: UsernameHash, but: UserId) -> i64 =
        "SELECT (SELECT COUNT(*) FROM user_username WHERE tenant_id = $1 AND skeleton = $2 AND user_id <> $4)
              + (SELECT COUNT(*) FROM retired_username WHERE tenant_id = $1 AND name_hash = $3 AND user_id <> $4) AS n";

    /// How many names a user gave up since then.
    pub read one usernames_retired_since(user: UserId, since: Timestamp) -> i64 =
        "SELECT COUNT(*) AS n FROM retired_username WHERE tenant_id = $1 AND user_id = $2 AND retired_at > $3";

    write guard insert_username_row(username: &CanonicalUsername, skeleton: &str, user: UserId, now: Timestamp) =
        "INSERT INTO user_username (tenant_id, canonical, skeleton, user_id, taken_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT DO NOTHING";

    write exec forget_username_of(user: UserId) =
        "DELETE FROM user_username WHERE tenant_id = $1 AND user_id = $2";

    /// Keeps a name from everybody but the user who had it.
    pub(crate) write exec retire_username(hash: UsernameHash, user: UserId, now: Timestamp) =
        "INSERT INTO retired_username (tenant_id, name_hash, user_id, retired_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (tenant_id, name_hash) DO UPDATE SET retired_at = excluded.retired_at";
}
