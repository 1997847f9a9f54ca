# shellcheck shell=bash disable=SC2154,SC2034 # what ops/cluster and its other parts define
# What the cluster needs beyond a Rust toolchain. Sourced by ops/cluster.
#
# Packages whose services would start by themselves (etcd, HAProxy, Patroni) are unpacked below target/cluster and not
# installed. The packaged Patroni is used from version 4, the first with a quorum; an older one is replaced by the
# pinned release of requirements.txt.

things=$repository/target/cluster

have() { command -v "$1" >/dev/null 2>&1; }
# runs a command for at most ten minutes; its output is shown only if it fails
bounded() {
  local log; log=$(mktemp)
  if timeout --kill-after=10 600 "$@" >"$log" 2>&1; then rm -f "$log"; return 0; fi
  tail -n 20 "$log" >&2; rm -f "$log"; return 1
}
missing() { echo "ops/cluster: $1" >&2; exit 69; }

# installs the packages of the commands that are missing: `command package`, a pair a line
packages() {
  local wanted=() command package
  while read -r command package; do have "$command" || wanted+=("$package"); done <<'PAIRS'
ip iproute2
curl curl
openssl openssl
mkfs.ext4 e2fsprogs
runuser util-linux
fallocate util-linux
PAIRS
  /usr/bin/python3 -c 'import ensurepip, venv' 2>/dev/null || wanted+=(python3 python3-venv)
  compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || wanted+=(postgresql)
  [[ ${#wanted[@]} -gt 0 ]] || return 0
  have apt-get || missing "install ${wanted[*]}"
  echo "ops/cluster: apt-get install ${wanted[*]}" >&2
  export DEBIAN_FRONTEND=noninteractive
  bounded apt-get update || missing "apt-get update failed"
  if [[ " ${wanted[*]} " == *' postgresql '* ]]; then
    # the package starts a server of its own unless it is told not to
    bounded apt-get install -y --no-install-recommends postgresql-common || missing "apt-get failed"
    sed -i 's/^#\?create_main_cluster *=.*/create_main_cluster = false/' /etc/postgresql-common/createcluster.conf
  fi
  bounded apt-get install -y --no-install-recommends "${wanted[@]}" || missing "apt-get failed: ${wanted[*]}"
}

# unpacks packages, with what they need, below target/cluster/debian
unpacked() {
  local names
  names=$(timeout 600 apt-get install --simulate --reinstall --no-install-recommends "$@" | awk '/^Inst / { print $2 }')
  [[ -n $names ]] || return 1
  rm -rf "$things/debian.new" && mkdir -p "$things/debian.new"
  # shellcheck disable=SC2086 # one name a word
  (cd "$things/debian.new" && bounded apt-get download $names && for package in *.deb; do bounded dpkg -x "$package" . || exit 1; done)
  rm -f "$things"/debian.new/*.deb
  rm -rf "$things/debian" && mv "$things/debian.new" "$things/debian"
}
servers() {
  [[ -x $things/debian/usr/bin/etcd && -x $things/debian/usr/sbin/haproxy ]] && return 0
  { have apt-get && have dpkg; } || missing "etcd and HAProxy come from Debian packages, and this is no Debian"
  echo "ops/cluster: unpacking etcd-server and haproxy" >&2
  unpacked etcd-server haproxy || { bounded apt-get update && unpacked etcd-server haproxy; } \
    || missing "apt-get could not fetch etcd-server and haproxy"
}

# Patroni, as a directory of Python modules
patroni_modules() {
  local list=ops/cluster.d/requirements.txt stamp=$things/patroni/.installed version
  version=$(dpkg-query -W -f '${Version}' patroni 2>/dev/null || apt-cache show patroni 2>/dev/null | sed -n 's/^Version: //p' | head -n 1)
  if [[ ${version%%.*} -ge 4 ]]; then
    patroni=$things/debian/usr/lib/python3/dist-packages
    [[ -d $patroni/patroni ]] || unpacked etcd-server haproxy patroni || missing "apt-get could not fetch patroni"
    return 0
  fi
  patroni=$things/patroni/modules
  [[ -f $stamp && $(cat "$stamp") == "$(sha256sum <"$list")" ]] && return 0
  echo "ops/cluster: Debian's Patroni is ${version:-missing}, which knows no quorum; installing the pinned release" >&2
  rm -rf "$things/patroni"
  bounded /usr/bin/python3 -m venv "$things/patroni" || missing "python3 -m venv failed"
  bounded "$things/patroni/bin/pip" install --disable-pip-version-check --target "$patroni" -r "$list" \
    || missing "pip could not install Patroni"
  sha256sum <"$list" >"$stamp"
}

install_all() {
  mkdir -p "$things"
  packages
  servers
  patroni_modules
  [[ $(basename "$(dirname "$(postgresql)")") -ge 15 ]] || missing "PostgreSQL 15 or later is needed"
}

build() {
  [[ -z $binary ]] || return 0
  binary=${CARGO_TARGET_DIR:-target}/release/jeton
  echo "ops/cluster: building jeton" >&2
  timeout --kill-after=10 3600 cargo build --release --locked --quiet >&2 || missing "cargo build failed"
}
