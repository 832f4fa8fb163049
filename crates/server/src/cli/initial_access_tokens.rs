use clap::Subcommand;

use crate::admin::AdminCommand;

#[derive(Debug, Subcommand)]
pub enum InitialAccessTokensCommand {
    /// Make a token, and print it; it is not shown again
    Create {
        /// How many clients can be registered with it
        #[arg(long, value_name = "N", default_value_t = 1)]
        uses: u32,
        /// How long it works
        #[arg(long, value_name = "SECONDS", default_value_t = 24 * 60 * 60)]
        lifetime: u64,
    },
    /// List the tokens, without what makes them work
    List,
    /// Let a token work no more
    Delete {
        /// Its id, as `initial-access-tokens list` shows it
        token_id: String,
    },
}

impl InitialAccessTokensCommand {
    pub fn into_admin(self) -> AdminCommand {
        match self {
            Self::Create { uses, lifetime } => AdminCommand::InitialAccessTokensCreate { uses, lifetime },
            Self::List => AdminCommand::InitialAccessTokensList,
            Self::Delete { token_id } => AdminCommand::InitialAccessTokensDelete { token_id },
        }
    }
}
