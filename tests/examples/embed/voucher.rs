//! A grant of an embedding program: `grant_type=voucher` logs in whom the voucher names.

use jeton::extend::{Context, Deciding, DirectLogin, Grant, GrantType, Granted, OAuthError, TokenRequest};

pub(crate) struct Voucher;

impl Grant for Voucher {
    fn grant_type(&self) -> GrantType {
        "voucher".to_owned().into()
    }

    fn decide<'a>(&'a self, request: &'a TokenRequest, context: &'a Context) -> Deciding<'a> {
        Box::pin(async move {
            let voucher = request.form.require("voucher", "voucher is missing")?;
            let subject = voucher.strip_prefix("good-for-").ok_or(OAuthError::INVALID_GRANT)?.to_owned();
            let granted = Granted { scope: request.scope()?, ..Granted::default() };
            DirectLogin { subject, granted, since: context.clock.now() }.begin(request, context).await
        })
    }
}
