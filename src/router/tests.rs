//! The router when a grant's actor dies.

use std::net::TcpListener;
use std::time::Duration;

use super::*;
use crate::auth::Evidence;
use crate::config::Source;
use crate::grant::{Error, TokenRequest};
use crate::protocol::form::Form;
use crate::protocol::response::TokenResponse;
use crate::server::{Daemon, Environment, prepare};
use crate::slow_hash::Waiting;
use crate::vault::Vault;

fn write(path: &std::path::Path, text: &str) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

async fn daemon(dir: &std::path::Path) -> Daemon {
    write(&dir.join("master.key"), &Vault::generate());
    write(&dir.join("admin.token"), "admin-token-for-tests-only-0123456789");
    let free = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (public, admin, path) = (free(), free(), dir.display());
    let preset = format!(
        r#"
        public.listen = "{public}"
        admin.listen = "{admin}"
        secrets = {{ master_key_file = "{path}/master.key", admin_token_file = "{path}/admin.token" }}
        store.engine = "memory"
        [issuers.main]
        url = "http://{public}"
        algorithms = ["EdDSA"]
        id_token_alg = "EdDSA"
        [[clients]]
        issuer = "main"
        client_id = "batch"
        [clients.metadata]
        token_endpoint_auth_method = "none"
        grant_types = ["authorization_code"]
        redirect_uris = ["https://client.example/"]
        "#
    );
    let prepared = prepare(Source { preset: Some(preset), ..Source::default() }).unwrap();
    Daemon::start(prepared, Environment::system(Arc::new(|_| Ok(())))).await.unwrap()
}

/// A code that is none: the grant's own answer, so the grant is alive.
async fn ask(daemon: &Daemon) -> Result<TokenResponse, Error> {
    let service = daemon.service();
    let issuer = service.registry.issuer("main").unwrap();
    let body = b"grant_type=authorization_code&client_id=batch&code=x&redirect_uri=https://client.example/";
    let form = Form::parse(body).ok().unwrap();
    let client = {
        let evidence = Evidence::new(None, &form, None, [127, 0, 0, 1].into());
        service.authenticator.authenticate(&issuer, &evidence).await.unwrap()
    };
    let peer = [127, 0, 0, 1].into();
    let request = TokenRequest { issuer, client, form: form.into_owned(), peer, waiting: Waiting::default() };
    service.router.grant("authorization_code").unwrap().serve(request).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_actor_that_dies_is_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let daemon = daemon(dir.path()).await;
    assert!(matches!(ask(&daemon).await, Err(Error::Forged)));
    let router = &daemon.service().router;
    let restarts = daemon.service().context.metrics.actor_restarts.with_label_values(&["grant"]);
    for round in 1..=3u64 {
        let grants = router.actor.get_children();
        assert_eq!(grants.len(), crate::grant::built_in().len());
        grants.iter().for_each(ractor::ActorCell::kill);
        let back = async {
            // for the moment between, the answer is "try again"
            while restarts.get() < round * grants.len() as u64 || !matches!(ask(&daemon).await, Err(Error::Forged)) {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(5), back).await.expect("the grants are back");
    }
    assert_eq!(restarts.get(), 3 * crate::grant::built_in().len() as u64);
    daemon.stop(Duration::ZERO, Duration::from_secs(1)).await;
}
