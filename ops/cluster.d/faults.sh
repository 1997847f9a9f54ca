# shellcheck shell=bash disable=SC2154,SC2034 # what ops/cluster and its other parts define
# The faults. Each does its harm to the primary of that moment, keeps it up for a while, mends it, and waits until the
# cluster is whole. Sourced by ops/cluster.

kinds_of_faults() {
  cat <<'HELP'
ops/cluster fault KIND    does this to the cluster that is up, and waits until it is whole again

  node-kill       kill -9 of PostgreSQL and Patroni of the primary; back after 30 s
  postmaster      kill -9 of the postmaster of the primary
  patroni         kill -9 of Patroni of the primary alone; back after 30 s
  partition       the primary is cut off from the other databases, not from the daemons; 40 s
  link            the primary is cut off from everything; 40 s
  primary-stop    SIGSTOP of PostgreSQL and Patroni of the primary; 30 s
  standbys-stop   SIGSTOP of PostgreSQL on both standbys; 60 s. Fails if connections of the daemons heap up
  standby-kill    kill -9 of PostgreSQL and Patroni of a standby; back after 15 s
  switchover      a planned switchover
  daemon-kill     kill -9 of a daemon; back after 3 s
  disk-full       the disk of the primary is full; 30 s
  stale           the primary is cut off from the other databases and Patroni stands still on it, so that it lives on
                  beside its successor; node3 reaches it and no other; 60 s
HELP
}

# the database processes of a machine: Patroni is a Python program until it names itself
server=(postgres patroni python)

fault() {
  local kind=$1 leader standby
  declare -F "fault_$kind" >/dev/null || { echo "ops/cluster: $kind is no fault; see ops/cluster fault --help" >&2; exit 64; }
  leader=$(primary) || { say "there is no primary"; return 1; }
  standby=${machines[$(((${leader#db}) % 3))]}
  say "fault: $kind, the primary is $leader"
  "fault_$kind" "$leader" "$standby"
  say "mended: $kind"
  within 240 whole
  for node in "${nodes[@]}"; do within 30 ready "$node"; done
  say "whole: $kind, the primary is $(primary)"
}

fault_node-kill() { signal KILL "$1" "${server[@]}"; sleep 30; start_patroni "$1"; }
fault_standby-kill() { signal KILL "$2" "${server[@]}"; sleep 15; start_patroni "$2"; }
fault_patroni() { signal KILL "$1" patroni python; sleep 30; start_patroni "$1"; }
fault_postmaster() { kill -9 "$(head -n 1 "$root/$1/disk/data/postmaster.pid")"; sleep 10; }
fault_primary-stop() { signal STOP "$1" "${server[@]}"; sleep 30; signal CONT "$1" "${server[@]}"; }

fault_partition() {
  local peer
  for peer in "${machines[@]}"; do [[ $peer == "$1" ]] || ip -n "$prefix$1" route add blackhole "$(address "$peer")/32"; done
  sleep 40
  for peer in "${machines[@]}"; do [[ $peer == "$1" ]] || ip -n "$prefix$1" route del blackhole "$(address "$peer")/32"; done
}

fault_stale() {
  local peer machine
  signal STOP "$1" patroni python
  for machine in "$1" node3; do
    for peer in "${machines[@]}"; do [[ $peer == "$1" ]] || ip -n "$prefix$machine" route add blackhole "$(address "$peer")/32"; done
  done
  sleep 60
  for machine in "$1" node3; do
    for peer in "${machines[@]}"; do [[ $peer == "$1" ]] || ip -n "$prefix$machine" route del blackhole "$(address "$peer")/32"; done
  done
  signal CONT "$1" patroni python
}

fault_link() {
  ip -n "${prefix}hub" link set "$1" down
  sleep 40
  ip -n "${prefix}hub" link set "$1" up
}

# connections of the daemons to a machine
connections() { sql "$1" postgres "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'jeton'"; }

fault_standbys-stop() {
  local machine before most=0 now end
  before=$(connections "$1")
  for machine in "${machines[@]}"; do [[ $machine == "$1" ]] || signal STOP "$machine" postgres; done
  end=$((SECONDS + 60))
  while [[ $SECONDS -lt $end ]]; do
    sleep 2
    now=$(connections "$1") || continue
    [[ $now -le $most ]] || most=$now
  done
  for machine in "${machines[@]}"; do [[ $machine == "$1" ]] || signal CONT "$machine" postgres; done
  say "connections to the primary: $before before, $most at most while both standbys stood still"
  # eight lanes and the connector with its spare, of each node
  [[ $most -gt 0 && $most -le $((before + 6)) ]] || { say "connections heap up"; return 1; }
}

fault_switchover() {
  on hub curl -s -m 60 -o /dev/null -X POST -d "{\"leader\": \"$1\"}" "http://$(address "$1"):8008/switchover"
  within 30 moved "$1"
}
moved() { local now; now=$(primary) && [[ $now != "$1" ]]; }

fault_daemon-kill() {
  local node=${nodes[$((RANDOM % 3))]}
  signal KILL "$node" jeton
  sleep 3
  launch_daemon "$node"
}

fault_disk-full() {
  local disk=$root/$1/disk free
  free=$(df --output=avail -k "$disk" | tail -n 1)
  fallocate -l "${free}K" "$disk/filler" 2>/dev/null || true
  # to the last block
  dd if=/dev/zero of="$disk/filler-too" bs=64k 2>/dev/null || true
  sleep 30
  rm -f "$disk/filler" "$disk/filler-too"
}
