//! Adding and removing ways to log in with an account elsewhere.

use domain::login_service::{self, LoginService, LoginServiceCommand};
use domain::setting::{self, Setting, SettingCommand, SettingContext};
use domain::settings::custom_service_settings;

use crate::caller::Caller;
use crate::error::Error;
use crate::ids::now;
use crate::workspace::Workspace;

/// Adds a service with that name. It is fine if it exists.
pub async fn add(workspace: &Workspace, caller: &Caller, service: &str) -> Result<(), Error> {
    let permissions = workspace.views().permissions();
    let authority = caller.authority(&[], &permissions);
    let add = LoginServiceCommand::Add {
        service: service.to_owned(),
        at: now(),
    };
    let stream = login_service::stream(service);
    workspace
        .decide::<LoginService>(caller.id(), &stream, add, &authority)
        .await
        .map(drop)
}

/// Removes the service with that name; if it is added again, its settings have their defaults.
pub async fn remove(workspace: &Workspace, caller: &Caller, service: &str) -> Result<(), Error> {
    let permissions = workspace.views().permissions();
    let authority = caller.authority(&[], &permissions);
    let (stream, at) = (login_service::stream(service), now());
    workspace
        .run(caller.id(), async |tx| {
            let remove = LoginServiceCommand::Remove {
                service: service.to_owned(),
                at,
            };
            tx.decide::<LoginService>(&stream, remove, &authority)
                .await?;
            for definition in custom_service_settings(service) {
                let reset = SettingCommand::Reset {
                    setting: definition.id.to_string(),
                    at,
                };
                // Whoever may remove the service may do what that implies.
                let stream = setting::stream(&definition.id);
                tx.decide::<Setting>(&stream, reset, &SettingContext::System)
                    .await?;
            }
            Ok(())
        })
        .await
}
