//! A program that embeds jeton and adds two grants, one with an endpoint of its own, a client authentication method and a
//! dialect: one file each, and one line each in `main`. src/README.md shows these files, and `tests/it/extend` runs them against a real daemon.
//!
//! ```sh
//! jeton init --dir example                       # then set `dialect = "acme"` and the grant types of its issuer
//! cargo run --example embed -- example/jeton.toml
//! ```

mod acme;
mod api_key;
mod backchannel;
mod voucher;

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use jeton::{Daemon, Environment, Extensions, Source, prepare};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let file = std::env::args_os().nth(1).ok_or("give the configuration file")?;
    let extensions = Extensions {
        grants: vec![Arc::new(voucher::Voucher), Arc::new(backchannel::Backchannel::asking(|who| who == "alice"))],
        client_auth: vec![Arc::new(api_key::ApiKey([("robot".to_owned(), "key-of-robot".to_owned())].into()))],
        dialects: vec![&acme::Acme],
        ..Extensions::default()
    };
    let source = Source { file: Some(file.into()), extensions, ..Source::default() };
    // the filter of this program's log, if it has one, is not changed by a reload
    let environment = Environment::system(Arc::new(|_| Ok(())));
    let daemon = Daemon::start(prepare(source)?, environment).await?;
    tokio::signal::ctrl_c().await?;
    daemon.stop(Duration::ZERO, Duration::from_secs(5)).await;
    Ok(())
}
