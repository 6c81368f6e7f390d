# SPDX-License-Identifier: MIT
# The common part of app/run, test/run and .ci/run, to be sourced with `.`: installs missing packages, configures,
# builds.
#
# The caller must set `root`, the directory of the checkout. Nothing here writes to stdout or reads stdin: both belong
# to the program that is run in the end.

# Requirements: package, oldest suitable version (-: any), reason; one per line.

build_needs=$(cat <<'END'
g++                   -    compiles: C++23 as g++ 12 has it
meson                 1.3  configures; Debian 12 has it in its backports
ninja-build           -    builds
pkgconf               -    finds the libraries
libasio-dev           -    sockets, timers, coroutines
libcxxopts-dev        -    the command line
libdw-dev             -    lines of compiled programs, for trace
libfmt-dev            -    formatting
libidn2-dev           -    domain names outside ASCII
libidn-dev            -    passwords outside ASCII: SASLprep
libssl-dev            -    TLS, digests, base64
nlohmann-json3-dev    -    JSON
END
)
test_needs=$(cat <<'END'
catch2                3    the tests are written with it; Debian 12 has it in its backports
inetutils-telnet      -    a peer: a person at a telnet prompt
netcat-openbsd        -    a peer: nc
ncat                  -    a peer: the nc of the nmap project
socat                 -    a peer, and a relay
busybox               -    a peer: its nc, its telnet, its rdate
rdate                 -    a peer: asks what time it is
curl                  -    a peer that brings mail, as are the next two
msmtp                 -    likewise
swaks                 -    likewise
libnet-ssleay-perl    -    which speaks TLS with it
mutt                  -    reads a Maildir
openssl               -    makes certificates for the tests, and is a peer
chromium              -    looks at the ladder diagram of a trace, as do the next two
chromium-driver       -    likewise
python3-selenium      -    likewise
strace                -    a tracer beside which trace is measured, and under which it is refused
tshark                -    reads from the wire what was sent
python3               -    black-box tests, peers, and the sum of the results
iproute2              -    network namespaces for the tests that want several hosts
nftables              -    packets that get lost in them
mandoc                -    a reader of the man pages, and a strict one
man-db                -    another
zsh                   -    completes what is typed
fish                  -    likewise
procps                -    looks at processes the tests started
nmap                  -    a peer: what scan is measured beside, and the DTD of its XML
libxml2-utils         -    xmllint holds the XML to that DTD
python3-libnmap       -    a program that reads nmap's XML
python3-nmap          -    another
ndiff                 -    compares two of them
END
)
clang_needs=$(cat <<'END'
clang-19              -    the second compiler, for the sanitizers and libFuzzer
libclang-rt-19-dev    -    its sanitizers
END
)
lint_needs=$(cat <<'END'
clang-format-19       -    the format is this version's
clang-tidy-19         -    static analysis
END
)

say() { printf 'netlab: %s\n' "$*" >&2; }

# $1: exit status; 69 unavailable, 77 not permitted, as in netlab itself
give_up() { status=$1; shift; say "$*"; exit "$status"; }

# Prints the packages in the list $1.
names() { printf '%s\n' "$1" | while read -r package _; do printf '%s\n' "$package"; done; }

# Prints the packages in the list $1 that are missing or too old, one per line.
missing() {
  installed=" $(dpkg-query -W -f '${db:Status-Status}=${Package}=${Version} ' $(names "$1") 2>/dev/null || :)"
  printf '%s\n' "$1" | while read -r package oldest _; do
    [ -n "$package" ] || continue
    version=${installed#*" installed=$package="}
    if [ "$version" = "$installed" ]; then
      # Not a Debian package, but available: from pip, from source, or another compiler.
      case $package in
        g++) command -v "${CXX:-c++}" ;;
        meson) at_least "$oldest" "$(meson --version)" ;;
        ninja-build) command -v ninja ;;
        pkgconf) command -v pkg-config ;;
        *) false ;;
      esac >/dev/null 2>&1 || echo "$package"
    elif [ "$oldest" != - ]; then
      dpkg --compare-versions "${version%% *}" ge "$oldest" || echo "$package"
    fi
  done
}

at_least() { [ "$(printf '%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]; }

# Prints those of the packages $@ that are too old in Debian 12 without backports.
from_backports() {
  for package; do
    case $package in meson | catch2) echo "$package" ;; esac
  done
}

lock_patience=600 # seconds to wait for apt's locks while another program holds them

# apt_get WORD...: runs apt-get with its output in $log. While another program holds one of apt's locks (a machine that
# has just started updates its lists), waits and says so.
apt_get() {
  waited=0
  until $sudo env LC_ALL=C DEBIAN_FRONTEND=noninteractive APT_LISTCHANGES_FRONTEND=none NEEDRESTART_SUSPEND=1 apt-get -q -y \
    -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold "$@" </dev/null >"$log" 2>&1; do
    grep -q '^E: \(Could not get lock\|Unable to lock\|Unable to acquire\)' "$log" || return 1
    holder=$(sed -n 's/.*held by process \([0-9]*\) (\(.*\)).*/\2 (process \1)/p' "$log" | head -n 1)
    [ "$waited" != 0 ] || say "waiting for apt's lock, held by ${holder:-another program}"
    [ "$waited" -lt "$lock_patience" ] || give_up 75 "${holder:-another program} has held a lock of apt's for $waited s"
    sleep 1
    waited=$((waited + 1))
  done
}

# A source that does not answer is not an error as long as the others have the packages.
apt_update() { apt_get update || :; }

# Adds Debian 12's backports: the repository of this machine's Debian 12, with the name of the other suite.
add_backports() {
  apt-get indextargets --format '$(CODENAME)' 'Created-By: Packages' | grep -qx bookworm-backports && return
  apt-get indextargets --format '$(REPO_URI) $(SOURCESENTRY)' \
    'Created-By: Packages' 'Codename: bookworm' 'Component: main' | grep -v '^cdrom:' | head -n 1 >"$work/source"
  read -r uri entry <"$work/source" || {
    say "this machine has no package source for Debian 12, so bookworm-backports cannot be added"
    return
  }
  # The key is the same, too: `signed-by=FILE` in a line of sources.list, `Signed-By: FILE` in a paragraph of *.sources.
  # Without one, apt's default keys apply to both.
  file=${entry%:*}
  case $file in
    *.sources) key=$(awk -v RS= -v uri="${uri%/}" 'index($0, uri)' "$file" | sed -n 's/^Signed-By: *\(\/.*\)/\1/p') ;;
    *) key=$(sed -n "s|^deb .*signed-by=\([^] ]*\).*${uri%/}/* .*|\1|p" "$file") ;;
  esac
  {
    echo "# Written by netlab's scripts: Meson and Catch2 are too old in Debian 12 itself."
    printf 'Types: deb\nURIs: %s\nSuites: bookworm-backports\nComponents: main\n' "$uri"
    printf '%s\n' "$key" | sed -n '1s/^\//Signed-By: &/p'
  } >"$work/netlab-backports.sources"
  say 'adding bookworm-backports to the sources, for Meson and Catch2'
  $sudo install -m 644 "$work/netlab-backports.sources" /etc/apt/sources.list.d/ && apt_update
}

# need LIST...: installs the packages in the lists that are missing. NETLAB_INSTALL=no installs nothing.
need() {
  needs=$(printf '%s\n' "$@" | grep .)
  [ "${NETLAB_INSTALL-}" != no ] || return 0
  if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
    for tool in "${CXX:-c++}" meson ninja pkg-config python3; do
      command -v "$tool" >/dev/null || give_up 69 "$tool is missing; on a system that isn't Debian, install what these" \
        "packages of Debian's hold:" $(names "$needs")
    done
    return
  fi
  absent=$(missing "$needs")
  [ -n "$absent" ] || return 0

  sudo=
  if [ "$(id -u)" != 0 ]; then
    # Ask for a password only on a terminal.
    if sudo -n true 2>/dev/null; then sudo='sudo -n'
    elif command -v sudo >/dev/null && [ -t 0 ] && [ -t 2 ]; then sudo=sudo
    else give_up 77 'these packages are missing, and only root can install them (run this once with sudo):' $absent
    fi
  fi
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  log=$work/log
  say 'installing' $absent
  apt_update
  late=
  if [ "$(. /etc/os-release && echo "${VERSION_CODENAME-}")" = bookworm ]; then
    late=$(from_backports $absent)
    [ -z "$late" ] || add_backports
  fi
  first=$(echo "$absent" | while read -r package; do
    case " $(echo $late) " in *" $package "*) ;; *) echo "$package" ;; esac
  done)
  { [ -z "$first" ] || apt_get install --no-install-recommends $first; } &&
    { [ -z "$late" ] || apt_get install --no-install-recommends -t bookworm-backports $late; } || {
    tail -n 20 "$log" >&2
    give_up 69 'apt-get could not install them'
  }
  absent=$(missing "$needs")
  [ -z "$absent" ] || give_up 69 'installed, but still too old for netlab:' $absent
  rm -rf "$work"
  trap - EXIT INT TERM
}

# lock NAME, unlock: only one script at a time runs in this checkout; the others wait.
lock() {
  mkdir -p "$root/.build" 2>/dev/null && (: >>"$root/.build/$1.lock") 2>/dev/null ||
    give_up 73 "can't write to $root/.build: it belongs to another user, or the checkout is read-only"
  exec 9>>"$root/.build/$1.lock"
  ! command -v flock >/dev/null || flock 9
}
unlock() { exec 9>&-; }

# configure NAME OPTION...: creates the build directory .build/NAME if there is none, and updates its options if they
# have changed. Sets $build to the directory.
configure() {
  build=$root/.build/$1
  shift
  [ ! -f "$build/build.ninja" ] || [ "$(cat "$build/.options" 2>/dev/null)" != "$*" ] || return 0
  [ ! -f "$build/build.ninja" ] || set -- --reconfigure "$@"
  meson setup "$build" "$root" "$@" </dev/null >"$build.log" 2>&1 9>&- || {
    cat "$build.log" >&2
    give_up 70 "could not be configured, see $build.log"
  }
  [ "$1" != --reconfigure ] || shift
  printf '%s\n' "$*" >"$build/.options"
  keep_owner
}

# compile TARGET...: prints nothing if there is nothing to do; otherwise shows the progress on a terminal, and only
# errors in a log.
compile() {
  case $(ninja -C "$build" -n "$@" 2>&1 </dev/null) in
    *'no work to do.'*) return ;;
    *Regenerating*)
      ninja -C "$build" build.ninja </dev/null >"$build.log" 2>&1 9>&- || {
        cat "$build.log" >&2
        give_up 70 "could not be configured, see $build.log"
      }
      compile "$@"
      return
      ;;
  esac
  say "building in ${build#"$root/"}"
  if [ -t 2 ]; then quiet=; else quiet=--quiet; fi
  ninja -C "$build" $quiet "$@" </dev/null >&2 9>&- || give_up 70 'could not be built'
  keep_owner
}

# After `sudo app/run scan --syn`, the user's own `app/run` must still be able to build.
keep_owner() { [ "$(id -u)" != 0 ] || [ -O "$root" ] || chown -R --reference="$root" "$root/.build"; }
