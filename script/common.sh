# Sourced by the scripts beside it: where things are, and how to say what is wrong.
set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
cache="${DARKROOM_CACHE:-$HOME/.cache/darkroom}"
lock_hash="$(sha256sum "$root/script/requirements.lock" | cut -c1-12)"
venv="${DARKROOM_VENV:-$cache/venv-$lock_hash}"
export DARKROOM_VENV="$venv"

# Every checkout shares one compiler cache: paths below the root count as relative, and precompiled headers as headers. What a file
# includes is learnt from its compilation, not by preprocessing it once more.
export CCACHE_BASEDIR="$root" CCACHE_NOHASHDIR=1 CCACHE_DEPEND=1 CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_ctime,include_file_mtime

say() { printf '%s\n' "$*" >&2; }
die() { say "darkroom: $*"; exit 1; }

# Packages of a list file, comments left out.
packages_of() { sed 's/#.*//' "$@" | tr -s ' \n' '\n' | sed '/^$/d'; }

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"
  elif command -v sudo >/dev/null; then sudo "$@"
  else die "needs root to run: $* (you are not root and there is no sudo)"
  fi
}

# Installs those of the named Debian packages that are missing; silent and quick when none is.
install_packages() {
  local missing=()
  for package in "$@"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  say "Installing Debian packages: ${missing[*]}"
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -o Acquire::Retries=3 update >/dev/null || die "apt-get update failed"
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Acquire::Retries=3 install --no-install-recommends "${missing[@]}" >/dev/null \
    || die "apt-get could not install: ${missing[*]}"
}

# Configures (once) and builds a CMake preset: build PRESET [ninja arguments].
build() {
  local preset="$1"; shift
  [ -f "$root/build/$preset/build.ninja" ] || (cd "$root" && cmake --preset "$preset" >/dev/null) || die "cmake could not configure the preset $preset"
  (cd "$root" && ninja -C "build/$preset" -j "$(nproc)" "$@" >&2) || die "the build of preset $preset failed"
}
