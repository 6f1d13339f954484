//! Whether mail can be sent to a domain at all (setting `Accounts_UseDNSDomainCheck`; contract, conventions 6.3).

use std::time::Duration;

use hickory_resolver::proto::rr::RecordType;
use hickory_resolver::{ResolverBuilder, TokioResolver};
use tokio::sync::OnceCell;

use crate::error::{ApiError, texts};
use crate::state::AppState;

/// How long the name servers may take; signing up waits for them.
const PATIENCE: Duration = Duration::from_secs(10);

/// Asks the name servers of this machine. Made when it is first needed: most workspaces never ask.
#[derive(Default)]
pub struct MailDomains(OnceCell<Option<TokioResolver>>);

impl MailDomains {
    /// Refuses addresses in domains that take no mail, where the workspace wants that checked. What cannot be found
    /// out counts as no.
    pub async fn check(&self, state: &AppState, address: &str) -> Result<(), ApiError> {
        if !state.views().settings().bool("Accounts_UseDNSDomainCheck") {
            return Ok(());
        }
        let domain = address.rsplit('@').next().unwrap_or_default().trim();
        if self.takes_mail(domain).await {
            Ok(())
        } else {
            Err(texts::invalid_mail_domain(domain))
        }
    }

    async fn takes_mail(&self, domain: &str) -> bool {
        let resolver = self
            .0
            .get_or_init(|| async {
                let built = TokioResolver::builder_tokio().and_then(ResolverBuilder::build);
                built
                    .inspect_err(|error| tracing::error!(%error, "no name server can be asked"))
                    .ok()
            })
            .await;
        let Some(resolver) = resolver else {
            return false;
        };
        // With the dot it is not looked for in the domains of this machine.
        let name = format!("{}.", domain.trim_end_matches('.'));
        let asked = tokio::time::timeout(PATIENCE, resolver.mx_lookup(name)).await;
        match asked {
            Ok(Ok(lookup)) => lookup
                .answers()
                .iter()
                .any(|record| record.record_type() == RecordType::MX),
            Ok(Err(error)) => {
                tracing::debug!(%error, domain, "no mail exchanger");
                false
            }
            Err(_) => {
                tracing::warn!(domain, "the name servers did not answer in time");
                false
            }
        }
    }
}
