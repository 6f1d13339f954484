//! Whether mail can be sent to a domain at all (setting `Accounts_UseDNSDomainCheck`; contract, conventions 6.3).

use std::time::Duration;

use domain::settings::keys;
use hickory_resolver::proto::rr::RecordType;

use crate::error::{Error, Refusal};
use crate::workspace::Workspace;

/// How long the name servers may take; signing up waits for them.
const PATIENCE: Duration = Duration::from_secs(10);

/// Refuses addresses in domains that take no mail, if the workspace wants that checked. If it cannot be found out, the
/// address is refused.
pub async fn check(workspace: &Workspace, address: &str) -> Result<(), Error> {
    if !workspace
        .views()
        .settings()
        .bool(keys::ACCOUNTS_USE_DNS_DOMAIN_CHECK)
    {
        return Ok(());
    }
    let domain = address.rsplit('@').next().unwrap_or_default();
    let domain = domain::text::trim(domain);
    let found = workspace
        .names()
        .lookup(domain, RecordType::MX, PATIENCE)
        .await;
    match found {
        Ok(records) if !records.is_empty() => Ok(()),
        Ok(_) => Err(Refusal::DomainTakesNoMail(domain.to_owned()).into()),
        Err(error) => {
            tracing::debug!(%error, domain, "no mail exchanger");
            Err(Refusal::DomainTakesNoMail(domain.to_owned()).into())
        }
    }
}
