# shellcheck shell=bash disable=SC2154,SC2034 # what ops/cluster and its other parts define
# The experiments: tests of `tests/it/cluster`, run in the namespace of the hub. Sourced by ops/cluster.

# runs tests by name within the limit; prints their result lines
run() {
  local name=$1 code=0 out; shift
  out=$(mktemp)
  timeout --kill-after=10 3600 cargo test --profile "$profile" --locked --quiet --test it --no-run >&2 || missing "the tests do not build"
  # not as an argument, which anybody may read
  JETON_CLUSTER_ADMIN_TOKEN=$(admin_token)
  export JETON_CLUSTER_ADMIN_TOKEN
  set -m
  on hub env "${settings[@]}" JETON_CLUSTER_COMMAND="$repository/ops/cluster" JETON_CLUSTER_BALANCER="$hub:8080" \
    JETON_CLUSTER_NODES="$(for node in "${nodes[@]}"; do printf '%s ' "$(address "$node")"; done)" \
    timeout --kill-after=10 "${JETON_LIMIT:-5400}" \
    cargo test --profile "$profile" --locked --offline --quiet --test it -- --nocapture --test-threads=1 --ignored "$@" >"$out" 2>&1 &
  running=$!
  set +m
  wait "$running" || code=$?
  running=
  cat "$out" >&2
  sed -n "s/^\(.*\)\?result: \(.*\)/$name: \2/p" "$out" | grep -v "^$name: \(ok\|FAILED\)\." || true
  grep -q 'running [1-9]' "$out" || code=nothing
  rm -f "$out"
  case $code in
    0) echo "$name: ok" ;;
    124|137) echo "$name: FAILED: not over within ${JETON_LIMIT:-5400} s"; return 1 ;;
    nothing) echo "$name: FAILED: no test ran"; return 1 ;;
    *) echo "$name: FAILED (exit $code)"; return 1 ;;
  esac
}

# brings a cluster up for what follows unless there is one, and takes it down in the end
experiment() {
  local mode=$1; shift
  running=
  settings=(_=)
  trap 'end_experiment; exit 130' INT
  trap 'end_experiment; exit 143' TERM HUP
  if [[ -e $root ]]; then
    [[ $(cat "$root/mode") == "$mode" ]] || { echo "ops/cluster: the cluster that is up replicates $(cat "$root/mode"); ops/cluster down ends it" >&2; exit 69; }
    install_all
    borrowed=1
    within 60 whole
  else
    borrowed=
    up "$mode"
  fi
  trap 'end_experiment; exit 130' INT
  trap 'end_experiment; exit 143' TERM HUP
  trap end_experiment EXIT
  "$@"
}
end_experiment() {
  trap - EXIT
  [[ -z $running ]] || kill -9 -- "-$running" 2>/dev/null || true
  [[ -n $borrowed ]] || down
}

chaos() {
  case $2 in
    async) experiment async run "chaos (control async)" cluster::control::the_check_finds_what_asynchronous ;;
    unconfirmed)
      [[ ! -e $root ]] || { echo "ops/cluster: this control needs a cluster of its own; ops/cluster down ends the other" >&2; exit 69; }
      unconfirmed
      experiment quorum run "chaos (control unconfirmed)" cluster::control::the_check_finds_answers ;;
    *) experiment quorum chaos_run "$1" ;;
  esac
}
chaos_run() { settings=(JETON_FAULTS="$1"); run chaos cluster::chaos:: cluster::stale::; }
# A jeton whose confirmations wait for no standby: the same program with another statement of the same length.
unconfirmed() {
  local with="pg_logical_emit_message(true, 'jeton'" without="pg_logical_emit_message(false,'jeton'"
  build
  grep -q "$with" "$binary" || missing "the confirmation of jeton is another one by now: correct unconfirmed()"
  sed "s/$with/$without/" "$binary" >"$things/unconfirmed"
  chmod +x "$things/unconfirmed"
  binary=$things/unconfirmed
}
races() { experiment quorum races_run; }
races_run() { settings=(JETON_RACES="${JETON_RACES:-100000}" JETON_REPLAYS="${JETON_REPLAYS:-10000}"); run races cluster::races::; }
rolling() { experiment quorum rolling_run; }
rolling_run() { settings=(JETON_ROUNDS="${JETON_ROUNDS:-20}"); run rolling cluster::rolling::; }
