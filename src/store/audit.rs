//! The audit stream: events of replay, reuse and lost data are logged at once for the operator.

use crate::metrics::Metrics;
use crate::state::{Event, RevocationCause};

/// Writes the audit record of an event; called once for each event, after its transition is durable.
pub(super) fn write(event: &Event, metrics: &Metrics) {
    match event {
        Event::FamilyRevoked { issuer, client, subject, cause, .. } => match cause {
            RevocationCause::CodeReplayed => {
                metrics.code_replays.inc();
                tracing::warn!(target: "audit", event = "code_replayed", issuer, client, subject);
            }
            RevocationCause::DeviceCodeReplayed => {
                metrics.code_replays.inc();
                tracing::warn!(target: "audit", event = "device_code_replayed", issuer, client);
            }
            RevocationCause::RefreshTokenReused => {
                metrics.refresh_reuse.inc();
                tracing::warn!(target: "audit", event = "refresh_token_reused", issuer, client);
            }
            // whoever asked says so, with its address
            RevocationCause::Requested => {}
        },
        Event::TokenRevoked { .. } | Event::NotBeforeRaised { .. } => {}
        Event::RefreshTokenOfAnother { issuer, client } => {
            tracing::warn!(target: "audit", event = "refresh_token_of_another_client", issuer, client);
        }
        Event::DeviceCodeOfAnother { issuer, client } => {
            tracing::warn!(target: "audit", event = "device_code_of_another_client", issuer, client);
        }
        Event::StateRegressed { issuer, client } => {
            metrics.state_regressions.inc();
            tracing::error!(target: "audit", event = "state_regression", issuer, client);
        }
    }
}
