//! The configuration: the reference file cannot drift from the defaults.

use jeton::config::Config;

#[test]
fn the_reference_configuration_is_the_defaults() {
    let text = include_str!("../../config/jeton.toml");
    let parsed: Config = toml::from_str(text).unwrap();
    assert_eq!(parsed, Config::default());
}
