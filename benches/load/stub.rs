//! A stand-in that speaks as much of jeton's HTTP contract as the generator uses, with counters in memory. `selftest`
//! runs every scenario against it and checks that it saw what the generator claims; it proves nothing about jeton.

use std::collections::{HashMap, HashSet};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use jeton::extend::Form;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// The part of `jeton dev`'s command line that the suite uses.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct StubOptions {
    /// The public listener.
    #[arg(long)]
    pub(crate) listen: SocketAddr,
    /// The admin listener.
    #[arg(long)]
    pub(crate) admin_listen: SocketAddr,
    /// Not used: nothing is kept.
    #[arg(long)]
    pub(crate) data_dir: Option<PathBuf>,
    /// What the admin API asks for.
    #[arg(long)]
    pub(crate) admin_token: String,
}

#[derive(Default)]
struct State {
    admin_token: String,
    issued: usize,
    codes: HashSet<String>,
    /// The one valid token of each chain.
    chains: HashMap<String, u64>,
    operations: u64,
}

/// Serves until the process is ended.
pub(crate) fn serve(options: &StubOptions) -> anyhow::Result<()> {
    let state = State { admin_token: format!("Bearer {}", options.admin_token), ..State::default() };
    let state = Arc::new(Mutex::new(state));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let public = TcpListener::bind(options.listen).await?;
        let admin = TcpListener::bind(options.admin_listen).await?;
        loop {
            let accepted = tokio::select! { it = public.accept() => it, it = admin.accept() => it };
            let Ok((stream, _)) = accepted else { continue };
            let _ = stream.set_nodelay(true);
            let state = state.clone();
            tokio::spawn(async move {
                let service = service_fn(move |request| answer(state.clone(), request));
                let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
            });
        }
    })
}

async fn answer(state: Arc<Mutex<State>>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
    let allowed =
        head.headers.get("authorization").is_some_and(|value| value.as_bytes() == state.admin_token.as_bytes());
    let (status, body) = match head.uri.path() {
        "/oauth2/token" => state.token(&body),
        "/oauth2/introspect" => (200, json!({"active": true, "client_id": "c", "sub": "c", "iss": "stub"})),
        "/oauth2/jwks" => (200, json!({"keys": []})),
        "/readyz" => (200, json!("ready")),
        "/metrics" => {
            let text = format!("jeton_store_operations_total{{op=\"all\",outcome=\"done\"}} {}\n", state.operations);
            return Ok(Response::new(Full::from(text)));
        }
        _ if !allowed => (401, Value::Null),
        "/admin/v1/issuers/main/clients" => {
            (201, json!({"client_id": state.name("client"), "client_secret": "jcs_stub"}))
        }
        "/admin/v1/issuers/main/codes" => {
            let code = state.name("jac");
            state.codes.insert(code.clone());
            (201, json!({"code": code, "expires_in": 60}))
        }
        _ => (404, Value::Null),
    };
    let mut response = Response::new(Full::from(body.to_string()));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or_default();
    Ok(response)
}

impl State {
    fn token(&mut self, body: &[u8]) -> (u16, Value) {
        let refused = (400, json!({"error": "invalid_grant"}));
        let Ok(form) = Form::parse(body) else { return refused };
        let access_token = format!("{}.{}.{}", "h".repeat(80), "p".repeat(340), "s".repeat(86));
        let granted = |refresh: Option<String>| {
            (200, json!({"access_token": access_token, "token_type": "Bearer", "refresh_token": refresh}))
        };
        match form.get("grant_type") {
            Some("client_credentials") => granted(None),
            Some("authorization_code") => {
                self.operations += 1;
                if !form.get("code").is_some_and(|code| self.codes.remove(code)) {
                    return refused;
                }
                let chain = self.name("jrt");
                self.chains.insert(chain.clone(), 0);
                granted(Some(format!("{chain}.0")))
            }
            Some("refresh_token") => {
                self.operations += 1;
                let presented = form.get("refresh_token").and_then(|token| token.split_once('.'));
                let Some((chain, generation)) = presented else { return refused };
                match self.chains.get_mut(chain) {
                    Some(current) if current.to_string() == generation => {
                        *current += 1;
                        let next = format!("{chain}.{current}");
                        granted(Some(next))
                    }
                    _ => refused,
                }
            }
            _ => refused,
        }
    }

    fn name(&mut self, kind: &str) -> String {
        self.issued += 1;
        format!("{kind}_{}", self.issued)
    }
}
