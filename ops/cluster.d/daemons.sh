# shellcheck shell=bash disable=SC2154,SC2034 # what ops/cluster and its other parts define
# The three daemons, and HAProxy in front of them. Sourced by ops/cluster.

# what the daemons and the tests share
admin_token() { cat "$root/secrets/admin.token"; }

make_daemons() {
  local node here unsafe=never hosts=''
  [[ $(cat "$root/mode") == quorum ]] || unsafe=always
  for machine in "${machines[@]}"; do hosts+=", \"$(address "$machine"):5432\""; done
  env -i "$root/bin/jeton" init --dir "$root/secrets/init" >/dev/null
  cp "$root/secrets/init/master.key" "$root/secrets/init/admin.token" "$root/secrets/"
  for node in "${nodes[@]}"; do
    here=$(address "$node")
    cat >"$root/$node/jeton.toml" <<TOML
[public]
listen = "$here:8080"
# HAProxy, and the tests beside it
proxy = { trusted = ["$hub/32"], forwarded_for_header = "x-forwarded-for" }
[admin]
listen = "$here:9080"
[secrets]
master_key_file = "$root/secrets/master.key"
admin_token_file = "$root/secrets/admin.token"
[store]
engine = "postgres"
[store.postgres]
deployment = "ops-cluster"
allow_unsafe_engine = "$unsafe"
[[store.postgres.cells]]
id = 0
hosts = [${hosts#, }]
database = "jeton"
user = "jeton"
password_file = "$root/secrets/jeton"
root_certificate_file = "$root/secrets/ca.pem"
[store.queue]
timeout = "2s"
[shutdown]
drain_delay = "2s"
deadline = "10s"
[issuers.main]
url = "http://127.0.0.1:$port"
algorithms = ["EdDSA"]
id_token_alg = "EdDSA"
scopes = "openid profile email offline_access api:read api:write"
client_rate_limit = 1000000
TOML
  done
  migrate
}

migrate() { on hub env -i "$root/bin/jeton" migrate --config "$root/node1/jeton.toml" >&2; }

ready() { answers "http://$(address "$1"):9080/readyz"; }
running() { [[ -n $(pids "$1" jeton) ]]; }
stopped() { ! running "$1"; }

# starts a daemon without waiting for it
launch_daemon() { start "$1" "$root/$1/log" env -i "$root/bin/jeton" serve --config "$root/$1/jeton.toml"; }

start_daemon() {
  launch_daemon "$1"
  within 30 ready "$1" || { tail -n 20 "$root/$1/log" >&2; return 1; }
}

# SIGTERM, the drain, the end, and a new start
restart_daemon() {
  running "$1" || { say "$1 does not run"; return 1; }
  signal TERM "$1" jeton
  within 30 stopped "$1"
  start_daemon "$1"
}

# A daemon that is not ready gets no new requests. When none is, because the database is away, all get them all the
# same: they answer what needs no database, and the rest with 503 and Retry-After.
write_balancer() {
  local node name check='inter 250ms fall 1 rise 2'
  cat <<CFG
global
  log stderr local0 warning
defaults
  mode http
  timeout connect 2s
  timeout client 60s
  timeout server 30s
  timeout check 1s
  option redispatch
  option forwardfor
  retries 3
CFG
  for name in public:8080:$port admin:9080:$((port + 1)); do
    local inside=${name#*:}; inside=${inside%%:*}
    cat <<CFG
listen ${name%%:*}
  bind 127.0.0.1:${name##*:}
  bind $hub:$inside namespace ${prefix}hub
  http-request del-header x-forwarded-for
  option httpchk GET /readyz
  option allbackups
  balance roundrobin
CFG
    for node in "${nodes[@]}"; do
      echo "  server $node $(address "$node"):$inside namespace ${prefix}hub check port 9080 $check"
      echo "  server $node-unready $(address "$node"):$inside namespace ${prefix}hub backup"
    done
  done
}

start_balancer() {
  write_balancer >"$root/hub/haproxy.cfg"
  LD_LIBRARY_PATH=$(echo "$things"/debian/usr/lib/*-linux-gnu) timeout 20 "$things/debian/usr/sbin/haproxy" -D \
    -f "$root/hub/haproxy.cfg" -p "$root/hub/haproxy.pid" >>"$root/hub/haproxy.log" 2>&1 </dev/null \
    || { cat "$root/hub/haproxy.log" >&2; return 1; }
  within 10 answers "http://$hub:8080/oauth2/jwks"
}

addresses() {
  local node
  echo "public   http://127.0.0.1:$port  (in the namespace ${prefix}hub: http://$hub:8080)"
  echo "admin    http://127.0.0.1:$((port + 1))  (http://$hub:9080); the token is in $root/secrets/admin.token"
  for node in "${nodes[@]}"; do
    echo "$node    http://$(address "$node"):8080, http://$(address "$node"):9080 in the namespace ${prefix}hub"
  done
  echo "for example: ip netns exec ${prefix}hub curl http://$(address node1):9080/readyz"
}

status() {
  [[ -e $root ]] || { echo "no cluster is up"; return 1; }
  local machine leader; leader=$(primary) || leader=none
  echo "replication $(cat "$root/mode"), primary $leader"
  for machine in "${machines[@]}"; do
    printf '%s  %-15s' "$machine" "$(address "$machine")"
    printf 'etcd %s, patroni %s, postgres %s processes, ' "$(pids "$machine" etcd | wc -l)" \
      "$(pids "$machine" patroni python | wc -l)" "$(pids "$machine" postgres | wc -l)"
    sql "$machine" postgres "SELECT CASE WHEN pg_is_in_recovery() THEN 'standby' ELSE 'primary with ' || (SELECT count(*)
      FROM pg_stat_replication WHERE state = 'streaming') || ' standbys' END" 2>/dev/null || echo "no answer"
  done
  for machine in "${nodes[@]}"; do
    printf '%s %-15s%s\n' "$machine" "$(address "$machine")" "$(if ready "$machine"; then echo ready; else echo not ready; fi)"
  done
  if answers "http://$hub:8080/oauth2/jwks"; then echo "HAProxy answers"; else echo "HAProxy does not answer"; fi
}
