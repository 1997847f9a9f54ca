# shellcheck shell=bash disable=SC2154,SC2034 # what ops/cluster and its other parts define
# etcd, Patroni and PostgreSQL on each of the three database machines. Sourced by ops/cluster.

# the programs of the newest PostgreSQL, once it is installed
postgresql() { compgen -G '/usr/lib/postgresql/*/bin' | sort -V | tail -n 1; }

secret() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n' >"$root/secrets/$1"; chmod 600 "$root/secrets/$1"; }

# an authority, and a certificate for the address of each database
certificates() {
  local machine dir=$root/secrets
  bounded openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=authority \
    -keyout "$dir/ca.key" -out "$dir/ca.pem"
  for machine in "${machines[@]}"; do
    bounded openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$machine" \
      -keyout "$root/$machine/server.key" -out "$dir/$machine.csr"
    bounded openssl x509 -req -in "$dir/$machine.csr" -CA "$dir/ca.pem" -CAkey "$dir/ca.key" -CAcreateserial -days 30 \
      -extfile <(echo "subjectAltName = IP:$(address "$machine")") -out "$root/$machine/server.pem"
    chmod 600 "$root/$machine/server.key"
    chown postgres: "$root/$machine/server.key" "$root/$machine/server.pem"
  done
}

start_etcd() {
  local machine=$1 peers=
  for peer in "${machines[@]}"; do peers+=,$peer=http://$(address "$peer"):2380; done
  local here; here=http://$(address "$machine")
  start "$machine" "$root/$machine/etcd.log" runuser -u postgres -- "$root/bin/etcd" --name "$machine" --data-dir "$root/$machine/etcd" \
    --listen-peer-urls "$here:2380" --initial-advertise-peer-urls "$here:2380" \
    --listen-client-urls "$here:2379" --advertise-client-urls "$here:2379" \
    --initial-cluster "${peers#,}" --initial-cluster-state new --initial-cluster-token jeton
}

# The settings of config/README.md for a cluster; with `async` those that lose what was acknowledged.
write_patroni() {
  local machine=$1 mode=quorum strict=true lag=0
  local hosts='' file=$root/$1/patroni.yml here; here=$(address "$machine")
  [[ $(cat "$root/mode") == quorum ]] || { mode='"off"' strict=false lag=1048576000; }
  for peer in "${machines[@]}"; do hosts+=,$(address "$peer"):2379; done
  cat >"$file" <<YAML
scope: jeton
name: $machine
restapi: { listen: "$here:8008", connect_address: "$here:8008" }
etcd3: { hosts: "${hosts#,}" }
watchdog: { mode: "off" }
bootstrap:
  dcs:
    ttl: 20
    loop_wait: 2
    retry_timeout: 5
    synchronous_mode: $mode
    synchronous_mode_strict: $strict
    synchronous_node_count: 1
    maximum_lag_on_failover: $lag
    postgresql:
      use_pg_rewind: true
      use_slots: true
      parameters:
        max_connections: 200
        wal_level: replica
        hot_standby: "on"
        wal_log_hints: "on"
  initdb: [ { encoding: UTF8 }, { locale: C }, data-checksums ]
postgresql:
  listen: "$here:5432"
  connect_address: "$here:5432"
  data_dir: "$root/$machine/disk/data"
  bin_dir: "$(postgresql)"
  use_pg_rewind: true
  remove_data_directory_on_rewind_failure: true
  remove_data_directory_on_diverged_timelines: true
  basebackup: [ { checkpoint: fast } ]
  pgpass: "$root/$machine/socket/pgpass"
  authentication:
    superuser: { username: postgres, password: "$(cat "$root/secrets/postgres")" }
    replication: { username: replicator, password: "$(cat "$root/secrets/replicator")" }
    rewind: { username: postgres, password: "$(cat "$root/secrets/postgres")" }
  parameters:
    unix_socket_directories: "$root/$machine/socket"
    shared_buffers: 128MB
    max_wal_size: 512MB
    wal_compression: "on"
    wal_sender_timeout: 5s
    wal_retrieve_retry_interval: 1s
    checkpoint_timeout: 15min
    ssl: "on"
    ssl_cert_file: "$root/$machine/server.pem"
    ssl_key_file: "$root/$machine/server.key"
    log_line_prefix: "%m [%p] "
  pg_hba:
    - local all postgres peer
    - hostssl all jeton 10.99.0.0/24 scram-sha-256
    - hostssl all postgres 10.99.0.0/24 scram-sha-256
    - hostssl replication replicator 10.99.0.0/24 scram-sha-256
YAML
  chmod 600 "$file"
  chown postgres: "$file"
}

start_patroni() {
  start "$1" "$root/$1/patroni.log" runuser -u postgres -- env PYTHONPATH="$root/patroni" \
    /usr/bin/python3 -m patroni "$root/$1/patroni.yml"
}

start_databases() {
  local machine
  for name in postgres replicator jeton; do secret "$name"; done
  certificates
  for machine in "${machines[@]}"; do start_etcd "$machine"; done
  for machine in "${machines[@]}"; do within 30 answers "http://$(address "$machine"):2379/health"; done
  for machine in "${machines[@]}"; do write_patroni "$machine"; start_patroni "$machine"; done
  within 180 whole || { tail -n 20 "$root"/db*/patroni.log >&2; return 1; }
}

# SQL on a machine, as the superuser, through its socket
sql() {
  local machine=$1 database=$2 text=$3
  (cd / && timeout --kill-after=2 5 runuser -u postgres -- "$(postgresql)/psql" -X -q -A -t -v ON_ERROR_STOP=1 \
    -h "$root/$machine/socket" -d "$database" -c "$text")
}

# the machine that Patroni calls the primary; fails if there is none
primary() {
  local machine
  for machine in "${machines[@]}"; do
    if answers "http://$(address "$machine"):8008/primary"; then echo "$machine"; return 0; fi
  done
  return 1
}

# whether there is a primary with both standbys at its side, and whether its commits wait for one of them
whole() {
  local machine state='quorum'
  [[ $(cat "$root/mode") == quorum ]] || state=async
  machine=$(primary) || return 1
  # the stream of a base backup is streaming, too, but no standby
  [[ $(sql "$machine" postgres "SELECT count(*) FROM pg_stat_replication
    WHERE state = 'streaming' AND sync_state = '$state' AND application_name ~ '^db[0-9]$'") == 2 ]]
}

make_database() {
  local machine password; machine=$(primary); password=$(cat "$root/secrets/jeton")
  sql "$machine" postgres "CREATE ROLE jeton LOGIN PASSWORD '$password' IN ROLE pg_monitor"
  sql "$machine" postgres "CREATE DATABASE jeton OWNER jeton"
}
