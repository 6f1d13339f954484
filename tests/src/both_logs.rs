//! Tests that must hold, and benchmarks that can run, on the embedded log and on MongoDB alike.

use crate::mongo::MongoServer;
use crate::server::ServerOptions;

/// A server whose log is in a MongoDB database nobody else has used.
pub async fn mongodb() -> ServerOptions {
    ServerOptions::default().mongo(&MongoServer::shared().await.fresh_url())
}

/// The log that a benchmark is asked for on its command line: `mongodb`, else the embedded one.
pub async fn asked_for() -> ServerOptions {
    if std::env::args().any(|argument| argument == "mongodb") {
        mongodb().await
    } else {
        ServerOptions::default()
    }
}

/// Makes two tests of each function named, which takes the [`ServerOptions`] to start its server with:
/// `name::on_the_embedded_log` and `name::on_mongodb`.
#[macro_export]
macro_rules! on_both_logs {
    ($($test:ident),+ $(,)?) => {$(
        mod $test {
            #[tokio::test(flavor = "multi_thread")]
            async fn on_the_embedded_log() {
                super::$test($crate::server::ServerOptions::default()).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn on_mongodb() {
                super::$test($crate::both_logs::mongodb().await).await;
            }
        }
    )+};
}
