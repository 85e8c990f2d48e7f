# shellcheck shell=bash
# Helpers shared by the scripts in this folder: to be sourced, not run.
# shellcheck disable=SC2034  # ROOT is for those who source this

ROOT=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }

die() {
  say "$*"
  exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

# One checksum over the contents of all given files.
checksum() {
  if have sha256sum; then cat -- "$@" | sha256sum; else cat -- "$@" | shasum -a 256; fi
}

# plain_python: run Python as the project means it, whatever this shell's own settings are. Byte code is kept:
# compiling Home Assistant anew takes every start of it several seconds.
plain_python() { unset PYTHONPATH PYTHONHOME PYTHONDONTWRITEBYTECODE; }

# limited <seconds> <command …>: give up after that time, where the system can.
limited() {
  if have timeout; then timeout -k 5 "$@"; else "${@:2}"; fi
}

# trust_certificates [<file>]: make pip and uv trust what this machine trusts, or the given
# file on a machine without any certificates. An explicit choice wins.
trust_certificates() {
  local file
  for file in /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt "$@"; do
    [ -s "$file" ] || continue
    export SSL_CERT_FILE=${SSL_CERT_FILE:-${PIP_CERT:-$file}}
    export PIP_CERT=${PIP_CERT:-$SSL_CERT_FILE}
    # Debian's pip insists on the machine's certificates otherwise
    [ "$file" != "${1:-}" ] || export PIP_USE_DEPRECATED=legacy-certs
    return 0
  done
}

# pip_into <folder> <requirements> <pip command …>: install pinned tools into a folder of
# their own, whatever the machine's pip is set up to insist on.
pip_into() {
  local target=$1 requirements=$2
  shift 2
  PIP_USER=0 PIP_REQUIRE_VIRTUALENV=0 PIP_ROOT_USER_ACTION=ignore PIP_DISABLE_PIP_VERSION_CHECK=1 \
    limited 300 "$@" install -qq --no-input --no-deps --require-hashes --upgrade \
    --target "$target" -r "$requirements"
}

# Set UV to the uv that scripts/setup used or made.
find_made_uv() {
  for UV in uv "$HOME/.local/bin/uv" "$ROOT/.tools/uv/bin/uv"; do
    if have "$UV"; then return; fi
  done
  die "no uv here: run scripts/setup"
}
