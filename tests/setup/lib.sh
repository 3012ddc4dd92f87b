# Sourced by the set-up scripts. Everything they fetch stands below target/tools (or $CLAW_TOOLS), except Debian packages.
# A part that is done leaves a stamp that holds what it was made from; with the stamp right, running it again costs nothing.
set -euo pipefail

SETUP=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
TOOLS=${CLAW_TOOLS:-$(cd "$SETUP/../.." && pwd)/target/tools}
mkdir -p "$TOOLS"

# key INPUT... : a hash of the inputs, which are files or words.
key() {
  local input
  for input in "$@"; do if [ -f "$input" ]; then cat "$input"; else echo "$input"; fi; done | sha256sum | cut -d' ' -f1
}

# part NAME INPUT... : exit 0 when NAME was already made from exactly these inputs. One process at a time.
part() {
  NAME=$1
  shift
  exec 9>"$TOOLS/.$NAME.lock"
  flock 9
  STAMP="$TOOLS/.$NAME.done"
  KEY=$(key "$@")
  if [ "$(cat "$STAMP" 2>/dev/null)" = "$KEY" ]; then exit 0; fi
  rm -f "$STAMP"
  SECONDS=0
  echo "setup: $NAME …"
}

part_done() {
  echo "$KEY" >"$STAMP"
  echo "setup: $NAME done in ${SECONDS}s"
}

# as_root COMMAND... : runs it as root, whoever we are.
as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# debian PACKAGE... : installs Debian packages. The archive folder is our own: images made for containers delete the shared
# one after every apt run, also under the feet of an install that another job has in flight.
debian() {
  local archives
  archives=$(mktemp -d)
  mkdir "$archives/partial"
  local options=(-y -qq -o DPkg::Lock::Timeout=300 -o APT::Sandbox::User=root)
  as_root apt-get "${options[@]}" update >/dev/null
  if ! as_root env DEBIAN_FRONTEND=noninteractive apt-get "${options[@]}" -o Dir::Cache::archives="$archives" \
    --no-install-recommends install "$@" >"$archives/log" 2>&1; then
    tail -20 "$archives/log" >&2
    echo "setup: apt-get could not install: $*" >&2
    return 1
  fi
  as_root rm -rf "$archives"
}
