//! Issue 8, numbers 28 and 31: who may read a secret file, and what a line in one may be.

use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use super::{CONFIG, Home, UNAVAILABLE, jeton, refusal, run};
use crate::support::{ADMIN_TOKEN, free_port, say, secret};

/// Somebody who is neither root nor anybody else here.
const SERVICE: u32 = 65534;
const GROUP: u32 = 4242;

fn is_root() -> bool {
    std::fs::metadata("/proc/self").map(|own| std::os::unix::fs::MetadataExt::uid(&own)).ok() == Some(0)
}

fn mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
}

/// The home of a service under a user of its own, with secrets as Kubernetes mounts them: root's, for a group.
struct Pod(Home);

impl Pod {
    fn new() -> Self {
        let home = Home::new();
        mode(home.dir(), 0o755);
        mode(&home.config(), 0o644);
        for name in ["master.key", "admin.token"] {
            let file = home.dir().join(name);
            chown(&file, Some(0), Some(GROUP)).unwrap();
            mode(&file, 0o440);
        }
        // a copy where anybody can run it, whatever the modes of the build directory
        // written by a process of its own: one that another test forks meanwhile would keep the file open, and busy
        let copied =
            Command::new("cp").arg(env!("CARGO_BIN_EXE_jeton")).arg(home.dir().join("jeton")).status().unwrap();
        assert!(copied.success());
        Self(home)
    }

    fn check(&self, groups: &str) -> Command {
        let mut command = Command::new("setpriv");
        command.args([&format!("--reuid={SERVICE}"), &format!("--regid={SERVICE}"), groups]);
        command.arg(self.0.dir().join("jeton")).args(["config", "check", "--config"]).arg(self.0.config());
        command
    }
}

#[test]
fn a_secret_of_root_for_a_group_of_ours_is_accepted_and_one_for_another_group_is_not() {
    if !is_root() {
        return say(format_args!("skipped: needs root to become somebody else"));
    }
    let pod = Pod::new();
    let fs_group = format!("--groups={GROUP}");
    let output = run(&mut pod.check(&fs_group));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // what Kubernetes mounts is a link to a link
    let token = pod.0.dir().join("admin.token");
    let data = pod.0.dir().join("..2026_11_28");
    std::fs::create_dir(&data).unwrap();
    std::fs::rename(&token, data.join("admin.token")).unwrap();
    std::os::unix::fs::symlink("..2026_11_28", pod.0.dir().join("..data")).unwrap();
    std::os::unix::fs::symlink("..data/admin.token", &token).unwrap();
    let output = run(&mut pod.check(&fs_group));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // the group is root's only by name: somebody else's group reads it
    let home = Home::new();
    let token = home.dir().join("admin.token");
    chown(&token, None, Some(GROUP)).unwrap();
    mode(&token, 0o440);
    let message = refusal(&mut home.command(&["config", "check"]), CONFIG);
    assert!(message.contains("mode 440") && message.contains(&format!("group {GROUP}")), "{message}");
}

#[test]
fn a_secret_that_others_read_or_write_or_own_is_refused_with_the_rule() {
    let home = Home::new();
    let token = home.dir().join("admin.token");
    for exposed in [0o444, 0o644, 0o604, 0o660, 0o620, 0o602] {
        mode(&token, exposed);
        let message = refusal(&mut home.command(&["config", "check"]), CONFIG);
        let rule = "a secret file belongs to root or to the user that runs jeton";
        for part in ["secrets.admin_token_file", &format!("mode {exposed:03o}"), rule, "chmod 600"] {
            assert!(message.contains(part), "{part}: {message}");
        }
    }
    mode(&token, 0o600);
    if !is_root() {
        return say(format_args!("skipped: needs root to give a file away"));
    }
    chown(&token, Some(SERVICE), None).unwrap();
    mode(&token, 0o640);
    let message = refusal(&mut home.command(&["config", "check"]), CONFIG);
    assert!(message.contains(&format!("uid {SERVICE}")) && message.contains("chmod 600"), "{message}");
}

/// `sudo jeton ...` beside a service that has a user of its own.
#[test]
fn root_reads_what_another_user_keeps_for_itself() {
    if !is_root() {
        return say(format_args!("skipped: needs root to give a file away"));
    }
    let home = Home::new();
    for name in ["master.key", "admin.token"] {
        chown(home.dir().join(name), Some(SERVICE), None).unwrap();
    }
    let output = run(&mut home.command(&["config", "check"]));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut list = jeton();
    list.args(["key", "list", "--admin-token-file"]).arg(home.dir().join("admin.token"));
    list.args(["--admin-url", &format!("http://{}", free_port())]);
    let message = refusal(&mut list, UNAVAILABLE);
    assert!(message.contains("cannot connect"), "{message}");
}

#[test]
fn what_is_no_regular_file_is_refused_at_once() {
    let home = Home::new();
    let pipe = home.dir().join("pipe");
    assert!(Command::new("mkfifo").args(["-m", "600"]).arg(&pipe).status().unwrap().success());
    let text = home.text();
    for file in [&pipe, Path::new("/dev/zero")] {
        for setting in ["secrets.admin_token_file", "secrets.master_key_file", "public.client_ca_file"] {
            let mut check = home.command(&["config", "check"]);
            check.env("JETON__PUBLIC__PROXY__CLIENT_CERTIFICATE_HEADER", "x-client-cert");
            check.env("JETON__PUBLIC__PROXY__TRUSTED", "127.0.0.1");
            check.env(format!("JETON__{}", setting.replace('.', "__").to_uppercase()), file);
            let message = refusal(&mut check, CONFIG);
            assert!(message.contains(setting) && message.contains("regular file"), "{message}");
        }
        let mut check = home.command(&["config", "check"]);
        check.env("JETON__PUBLIC__TLS__KEY", file).env("JETON__PUBLIC__TLS__CERTIFICATE", file);
        refusal(&mut check, CONFIG);
        let hook = format!("hook = {{ url = \"https://h.example/\", ca_file = \"{}\" }}", file.display());
        home.write(&format!("{text}\n[[issuers.main.custom_grants]]\ngrant_type = \"x\"\n{hook}\n"));
        refusal(&mut home.command(&["config", "check"]), CONFIG);
        home.write(&text);
    }
}

/// No header could carry it, or everybody would get 401.
#[test]
fn an_admin_token_has_printable_ascii_without_blanks_only() {
    let home = Home::new();
    let token = home.dir().join("admin.token");
    for text in ["p\u{e4}ssw\u{f6}rter-gro\u{df}-und-klein-0123456789", "correct horse battery staple today"] {
        secret(&token, text);
        let message = refusal(&mut home.command(&["serve"]), CONFIG);
        assert!(message.contains("secrets.admin_token_file") && message.contains("ASCII"), "{message}");
        assert!(!message.contains(text), "{message}");
        let data = home.dir().join("data");
        let message = refusal(jeton().arg("dev").arg("--data-dir").arg(&data).args(["--admin-token", text]), CONFIG);
        assert!(message.contains("--admin-token") && message.contains("ASCII"), "{message}");
        assert!(!message.contains(text) && !data.exists(), "{message}");
    }
    // 11 characters of two bytes are 11
    secret(&token, &"\u{e4}".repeat(11));
    let message = refusal(&mut home.command(&["serve"]), CONFIG);
    assert!(!message.contains("22 characters"), "{message}");
}

#[test]
fn a_mount_that_only_a_container_has_may_hold_secrets_for_everybody_in_it() {
    // a container has a /run of its own
    let mount = "mount -t tmpfs tmpfs /run && mount -t tmpfs -o mode=0755 tmpfs \"$1\" && cp \"$2\" \"$1/admin.token\" && chmod 444 \"$1/admin.token\" \
                 && mount -o remount,ro \"$1\"";
    let home = Home::new();
    let volume = home.dir().join("volume");
    std::fs::create_dir(&volume).unwrap();
    let script = format!("{mount} && shift 2 && exec \"$@\"");
    let check = |script: &str| {
        let mut command = Command::new("unshare");
        // alone in its process namespace, as a container's first process is
        command.args(["--mount", "--pid", "--fork", "--mount-proc", "sh", "-c", script, "sh"]);
        command.arg(&volume).arg(home.dir().join("admin.token")).arg(env!("CARGO_BIN_EXE_jeton"));
        command.args(["config", "check", "--config"]).arg(home.config());
        command.env("JETON__SECRETS__ADMIN_TOKEN_FILE", volume.join("admin.token"));
        command
    };
    if !run(Command::new("unshare").args(["--mount", "--pid", "--fork", "--mount-proc", "true"])).status.success() {
        return say(format_args!("skipped: needs the right to make namespaces"));
    }
    let output = run(&mut check(&script));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // where systemd runs the machine, everybody on it reads such a mount (/run under ProtectSystem=strict), also if the
    // service has a process namespace of its own (PrivatePIDs=)
    let message = refusal(&mut check(&script.replace("/run &&", "/run && mkdir -p /run/systemd/system &&")), CONFIG);
    assert!(message.contains("mode 444"), "{message}");
    // another's file on a volume: no chmod helps there
    let script = script.replace("chmod 444", "chown 4242 \"$1/admin.token\" && chmod 440");
    let message = refusal(&mut check(&script), CONFIG);
    assert!(message.contains("fsGroup") && message.contains("defaultMode"), "{message}");
    assert!(message.contains("uid, gid and mode") && !message.contains("chmod"), "{message}");
}

/// What an editor or a shell leaves in a file of one line, and the rule that names it.
const STRAY: [(&str, &str); 7] = [
    ("\u{feff}@", "byte order mark"),
    ("@\nsecond line\n", "more than one line"),
    ("@\n\n", "more than one line"),
    ("@ \n", "blank at the end"),
    (" @\n", "blank at the beginning"),
    ("@\t", "blank at the end"),
    ("", "empty"),
];

#[test]
fn a_byte_order_mark_a_second_line_or_a_blank_in_a_token_file_is_refused_with_words() {
    let home = Home::new();
    let token = home.dir().join("admin.token");
    let good = std::fs::read_to_string(&token).unwrap();
    for (text, rule) in STRAY {
        secret(&token, &text.replace('@', good.trim()));
        let message = refusal(&mut home.command(&["config", "check"]), CONFIG);
        for part in ["secrets.admin_token_file", token.to_str().unwrap(), rule] {
            assert!(message.contains(part), "{text:?}: {message}");
        }
        assert!(!message.contains(good.trim()), "{message}");
    }
    let utf16: Vec<u8> = good.encode_utf16().flat_map(u16::to_le_bytes).collect();
    std::fs::write(&token, [&[0xff, 0xfe][..], &utf16].concat()).unwrap();
    let message = refusal(&mut home.command(&["config", "check"]), CONFIG);
    assert!(message.contains("UTF-8"), "{message}");
    for end in ["", "\n", "\r\n"] {
        secret(&token, &format!("{}{end}", good.trim()));
        assert!(run(&mut home.command(&["config", "check"])).status.success(), "{end:?}");
    }
    // the master key file has lines, and no mark before the first
    let key = home.dir().join("master.key");
    let ring = std::fs::read_to_string(&key).unwrap();
    secret(&key, &format!("\u{feff}{ring}"));
    let message = refusal(&mut home.command(&["config", "check"]), CONFIG);
    assert!(message.contains("secrets.master_key_file") && message.contains("byte order mark"), "{message}");
    secret(&key, &ring);
    // tokens of hooks and secrets of clients are read by the same function
    let stray = home.dir().join("stray");
    secret(&stray, "one\ntwo\n");
    let shown = stray.display();
    for more in [
        format!(
            "[[issuers.main.custom_grants]]\ngrant_type = \"x\"\nhook = {{ url = \"https://h.example/\", token_file = \"{shown}\" }}\n"
        ),
        format!("[[clients]]\nissuer = \"main\"\nclient_id = \"batch\"\nsecrets = [{{ file = \"{shown}\" }}]\n"),
    ] {
        let text = home.text();
        home.write(&format!("{text}\n{more}"));
        let message = refusal(&mut home.command(&["config", "check"]), CONFIG);
        assert!(message.contains("more than one line") && message.contains(stray.to_str().unwrap()), "{message}");
        home.write(&text);
    }
}

#[test]
fn the_commands_read_tokens_and_secrets_by_the_same_rule() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("file");
    let nobody = format!("http://{}", free_port());
    let command = |words: &[&str], flag: &str| {
        let mut command = jeton();
        command.args(words).arg(flag).arg(&file).args(["--admin-url", &nobody]);
        command
    };
    for (text, rule) in STRAY {
        secret(&file, &text.replace('@', ADMIN_TOKEN));
        let mut commands = [
            (command(&["key", "list"], "--admin-token-file"), "--admin-token-file"),
            (command(&["token", "decode"], "--token-file"), "--token-file"),
            (command(&["user", "put", "ann", "--subject", "u-1"], "--password-file"), "--password-file"),
            (
                command(&["token", "introspect", "--token-file", "/dev/null", "--client", "c"], "--client-secret-file"),
                "",
            ),
        ];
        for (command, flag) in &mut commands[..3] {
            let message = refusal(command.env("JETON_ADMIN_TOKEN", ADMIN_TOKEN), CONFIG);
            assert!(message.contains(rule) && message.contains(*flag), "{text:?}: {message}");
            assert!(!message.contains(ADMIN_TOKEN), "{message}");
        }
        // the first of the two files is empty
        let message = refusal(commands[3].0.env("JETON_ADMIN_TOKEN", ADMIN_TOKEN), CONFIG);
        assert!(message.contains("--token-file") && message.contains("empty"), "{message}");
    }
    let mut list = jeton();
    list.args(["key", "list"]).env("JETON_ADMIN_TOKEN", format!("{ADMIN_TOKEN}\nsecond"));
    let message = refusal(&mut list, CONFIG);
    assert!(message.contains("JETON_ADMIN_TOKEN") && message.contains("more than one line"), "{message}");
}
