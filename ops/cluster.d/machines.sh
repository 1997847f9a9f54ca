# shellcheck shell=bash disable=SC2154,SC2034 # what ops/cluster and its other parts define
# The machines: network namespaces on a bridge that is in a namespace itself, so that nothing of the host's network is
# touched, and a disk of its own for each database. Sourced by ops/cluster.

prefix=jeton-cluster-
hub=10.99.0.1
# room for the data of one database, in MiB; sparse
disk=3072

address() {
  case $1 in
    hub) echo "$hub" ;;
    db*) echo "10.99.0.1${1#db}" ;;
    node*) echo "10.99.0.2${1#node}" ;;
  esac
}

say() { echo "$(date +%T.%3N) $1" >&2; }

# runs a command on a machine
on() { local machine=$1; shift; ip netns exec "$prefix$machine" "$@"; }

# Starts a command on a machine and leaves it running. Nothing of this shell stays in its descriptors.
start() {
  local machine=$1 log=$2; shift 2
  (cd / && exec ip netns exec "$prefix$machine" setsid "$@" >>"$log" 2>&1 </dev/null) &
}

# the processes of a machine by the beginnings of their names, those of all machines are told apart by their namespaces
pids() {
  local machine=$1 pid name wanted; shift
  for pid in $(ip netns pids "$prefix$machine" 2>/dev/null); do
    name=$(cat "/proc/$pid/comm" 2>/dev/null) || continue
    for wanted in "$@"; do [[ $name != "$wanted"* ]] || echo "$pid"; done
  done
}

# sends a signal to the processes of a machine by the beginnings of their names
signal() {
  local name=$1 machine=$2 found; shift 2
  mapfile -t found < <(pids "$machine" "$@")
  [[ ${#found[@]} -eq 0 ]] || kill "-$name" "${found[@]}" 2>/dev/null || true
}

# waits until a command succeeds, at most so many seconds
within() {
  local seconds=$1 end; shift
  end=$((SECONDS + seconds))
  until "$@" >/dev/null 2>&1; do
    [[ $SECONDS -lt $end ]] || { say "not within $seconds s: $*"; return 1; }
    sleep 0.2
  done
}

# whether a URL answers 200 within a second, asked from the hub
answers() { [[ $(on hub curl -s -o /dev/null -m 1 -w '%{http_code}' "$@" 2>/dev/null) == 200 ]]; }

make_machines() {
  local machine
  mkdir -m 700 "$root/secrets"
  mkdir "$root/bin" "$root/hub"
  echo "$1" >"$root/mode"
  # where every user may read it, which a checkout may not be
  cp "$binary" "$root/bin/jeton"
  cp "$things/debian/usr/bin/etcd" "$root/bin/"
  cp -r "$patroni" "$root/patroni"
  ip netns add "${prefix}hub"
  ip -n "${prefix}hub" link set lo up
  ip -n "${prefix}hub" link add bridge0 type bridge
  ip -n "${prefix}hub" addr add "$hub/24" dev bridge0
  ip -n "${prefix}hub" link set bridge0 up
  for machine in "${machines[@]}" "${nodes[@]}"; do
    ip netns add "$prefix$machine"
    ip -n "$prefix$machine" link set lo up
    ip -n "${prefix}hub" link add "$machine" type veth peer name eth0 netns "$prefix$machine"
    ip -n "${prefix}hub" link set "$machine" master bridge0 up
    ip -n "$prefix$machine" addr add "$(address "$machine")/24" dev eth0
    ip -n "$prefix$machine" link set eth0 up
    mkdir "$root/$machine"
  done
  for machine in "${machines[@]}"; do
    truncate -s "${disk}M" "$root/$machine/disk.img"
    mkfs.ext4 -q -F "$root/$machine/disk.img"
    mkdir "$root/$machine/disk"
    mount -o loop "$root/$machine/disk.img" "$root/$machine/disk"
    mkdir -m 700 "$root/$machine/disk/data" "$root/$machine/etcd"
    mkdir "$root/$machine/socket"
    chown -R postgres: "$root/$machine/disk/data" "$root/$machine/etcd" "$root/$machine/socket"
  done
}

# Ends everything below $root and in our namespaces; safe to repeat, and after a start that was cut short.
down() {
  trap '' INT TERM HUP
  local name pid mount
  set +e
  pid=$(cat "$root/hub/haproxy.pid" 2>/dev/null)
  # a number that is another's by now is left alone
  [[ -n $pid ]] && grep -qz "$root/hub/haproxy.cfg" "/proc/$pid/cmdline" 2>/dev/null && kill -9 "$pid"
  ip netns list | awk -v prefix="$prefix" 'index($1, prefix) == 1 { print $1 }' | while read -r name; do
    for _ in 1 2 3 4 5; do
      # shellcheck disable=SC2046 # one number a word
      [[ -n $(ip netns pids "$name") ]] && kill -9 $(ip netns pids "$name") 2>/dev/null && sleep 0.1
    done
    ip netns delete "$name"
  done
  awk -v root="$root/" 'index($2, root) == 1 { print $2 }' /proc/mounts | tac | while read -r mount; do
    umount "$mount" 2>/dev/null || umount -l "$mount"
  done
  [[ ! -L $root && -O $root ]] && rm -rf --one-file-system "$root"
  set -e
  [[ ! -e $root ]] || { echo "ops/cluster: $root is still there" >&2; return 1; }
}
