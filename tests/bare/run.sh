#!/usr/bin/env bash
# The promise of the README, kept on a bare Debian 12: nothing installed but git and sudo, a clone and nothing beside it; then
# script/server serves a first job and script/test passes. Run as root; takes about half an hour. Part of script/test --all.
#
#   tests/bare/run.sh [server|test|both] [root|user]
#
# Only what a machine needs to reach its package servers is carried in: its package sources, CA bundle, client settings of pip
# and pip's wheel cache.
set -euo pipefail
what="${1:-both}" who="${2:-user}"
root="$(cd "$(dirname "$0")/../.." && pwd)"
[ "$(id -u)" = 0 ] || { echo "tests/bare/run.sh needs root for debootstrap and chroot" >&2; exit 2; }
[ "${DARKROOM_UNSHARED:-}" = 1 ] || exec env DARKROOM_UNSHARED=1 unshare --mount --propagation private "$0" "$what" "$who"

command -v debootstrap >/dev/null || { apt-get -q update >/dev/null; apt-get -q -y install --no-install-recommends debootstrap >/dev/null; }
jail="${DARKROOM_BARE:-$HOME/.cache/darkroom/bare-debian}"
sources() { cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null || true; }
mirror="$(sources | sed -nE 's/^URIs: *([^ ]+).*/\1/p; s/^deb( \[[^]]*\])? ([^ ]+) bookworm .*/\2/p' | head -1)"
rm -rf "$jail"
mkdir -p "$jail"
echo "== debootstrap" >&2
debootstrap --variant=minbase --include=git,sudo bookworm "$jail" "$mirror" >/dev/null

mount -t proc proc "$jail/proc"
mount --rbind /dev "$jail/dev"
mount -t tmpfs tmpfs "$jail/dev/shm"
cp /etc/resolv.conf "$jail/etc/resolv.conf"
cp /etc/hosts "$jail/etc/hosts"
cp -r /etc/apt/apt.conf.d/99* "$jail/etc/apt/apt.conf.d/" 2>/dev/null || true
[ -f /etc/pip.conf ] && install -D -m 644 /etc/pip.conf "$jail/etc/pip.conf"
# Under a name of its own: the package ca-certificates, installed by the bootstrap, writes the usual one anew.
bundle="${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}"
[ -f "$bundle" ] && install -D -m 644 "$bundle" "$jail/etc/ssl/carried-bundle.crt"

home=/root
if [ "$who" = user ]; then
  chroot "$jail" useradd -m -s /bin/bash visitor
  echo 'visitor ALL=(ALL) NOPASSWD: ALL' >"$jail/etc/sudoers.d/visitor"
  home=/home/visitor
fi
if [ -d "$HOME/.cache/pip" ]; then
  mkdir -p "$jail$home/.cache/pip"
  cp -r "$HOME/.cache/pip/." "$jail$home/.cache/pip/"
fi
git clone -q "$root" "$jail$home/darkroom"
[ "$who" = root ] || chroot "$jail" chown -R visitor: "$home"

# Settings of the package clients that are environment variables here.
settings=()
[ -f "$jail/etc/ssl/carried-bundle.crt" ] && settings+=({PIP_CERT,SSL_CERT_FILE,REQUESTS_CA_BUNDLE}=/etc/ssl/carried-bundle.crt)
while IFS= read -r line; do settings+=("$line"); done < <(env | grep -E '^(PIP_(INDEX_URL|EXTRA_INDEX_URL|DEFAULT_TIMEOUT)|https?_proxy|HTTPS?_PROXY|no_proxy)=' || true)
user=root; [ "$who" = user ] && user=visitor
inside() {
  chroot "$jail" sudo -u "$user" -H env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME="$home" LANG=C.UTF-8 "${settings[@]}" \
    bash -c "cd $home/darkroom && $1"
}

status=0
if [ "$what" != test ]; then
  echo "== script/server" >&2
  port=$((20000 + RANDOM % 20000))
  inside "exec script/server --port $port" & server=$!
  for _ in $(seq 1 3600); do
    curl -sf "http://127.0.0.1:$port/object_info/EmptyImage" -o /dev/null && break
    kill -0 $server 2>/dev/null || break
    sleep 1
  done
  prompt='{"prompt":{"1":{"class_type":"EmptyImage","inputs":{"width":64,"height":64,"batch_size":1,"color":255}},"2":{"class_type":"SaveImage","inputs":{"images":["1",0],"filename_prefix":"bare"}}}}'
  curl -sf -d "$prompt" "http://127.0.0.1:$port/prompt" && sleep 3 \
    && curl -sf "http://127.0.0.1:$port/view?filename=bare_00001_.png" | head -c 8 | grep -q PNG \
    && curl -sf "http://127.0.0.1:$port/" | grep -qi '<title>ComfyUI' \
    && echo "bare Debian, $who: script/server serves the editor and a first job" || { echo "bare Debian, $who: script/server FAILED"; status=1; }
  pkill -TERM -f "serve --port $port" || true
  wait $server || true
fi
if [ "$what" != server ]; then
  echo "== script/test" >&2
  inside "script/test" && echo "bare Debian, $who: script/test passes" || { echo "bare Debian, $who: script/test FAILED"; status=1; }
fi
umount -R "$jail/dev" "$jail/proc" 2>/dev/null || true
[ $status = 0 ] && rm -rf "$jail"
exit $status
