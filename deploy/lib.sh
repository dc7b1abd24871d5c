# shellcheck shell=bash disable=SC2034
# What the scripts beside this file share: where things lie, how something is done, how it is undone.

set -euo pipefail

NAME=hfptm
DEPLOY=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
SERVICES=(hfptm-record hfptm-paper hfptm-dashboard)
# Never restarted by a script: a human starts it.
LIVE=hfptm-live
HEALTH_S=60
KEPT_RELEASES=3

is_dry=""
root=""
undo=()

say() { printf '%s\n' "$*" >&2; }

die() {
    say "hfptm: $*"
    exit 1
}

# The header of the script, from its second line to the first empty one.
usage() { sed -n '2,/^$/s/^# \{0,1\}//p' "$0"; }

# Every change goes through here, so that --dry-run can tell instead of doing.
run() {
    if [ -n "$is_dry" ]; then
        printf 'would run: %s\n' "$(printf '%q ' "$@")"
    else
        "$@"
    fi
}

# FILE MODE: standard input becomes its content, whole or not at all.
write_file() {
    local file=$1 mode=$2
    if [ -n "$is_dry" ]; then
        printf 'would write: %s\n' "$file"
        cat >/dev/null
        return
    fi
    cat >"$file.new"
    chmod "$mode" "$file.new"
    mv -f "$file.new" "$file"
}

# A relative link that is never missing in between.
point() {
    local link=$1 target=$2
    run ln -sfn "$target" "$link.new"
    run mv -fT "$link.new" "$link"
}

# What a failure takes back, the last first.
on_failure() { [ -n "$is_dry" ] || undo+=("$(printf '%q ' "$@")"); }

undo_all() {
    local code=$? step
    trap - EXIT
    if [ "$code" -ne 0 ] && [ "${#undo[@]}" -gt 0 ]; then
        say "hfptm: it failed; taking back what was done"
        for ((step = ${#undo[@]} - 1; step >= 0; step--)); do
            eval "${undo[step]}" || say "hfptm: could not take back: ${undo[step]}"
        done
    fi
    exit "$code"
}
trap undo_all EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

places() {
    prefix=$root/opt/hfptm
    releases=$prefix/releases
    config=$root/etc/hfptm
    data=$root/var/lib/hfptm
    cache=$root/var/cache/hfptm
    units=$root/etc/systemd/system
    command=$root/usr/local/bin/hfptm
}

# With --root nothing runs: a folder is no machine.
manager() { systemctl ${root:+--root="$root"} "$@"; }

has_manager() { [ -n "$root" ] || [ -d /run/systemd/system ]; }

is_active() { has_manager && manager is-active --quiet "$1" 2>/dev/null; }

require_rights() {
    [ -n "$is_dry" ] || [ -n "$root" ] || [ "$(id -u)" = 0 ] \
        || die "this changes the machine: run it as root, or look first with --dry-run"
}

# One at a time.
lock() {
    [ -n "$is_dry" ] && return
    mkdir -p "$prefix"
    exec 9>"$prefix/.lock"
    flock --nonblock 9 || die "another of these scripts is at work on $prefix"
}

# Version and content of a checkout: what differs is another release.
release_name() {
    local source=$1 version digest
    version=$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' "$source/hfptm/__init__.py")
    [ -n "$version" ] || die "$source is no checkout of hfptm: hfptm/__init__.py names no version"
    digest=$(cd "$source" && sources | sort -z | xargs -0 sha256sum | sha256sum | cut -c1-8)
    printf '%s-%s\n' "$version" "$digest"
}

# What a release is made of, in the current folder; each name ends with a zero byte.
sources() {
    find hfptm notebooks recorder replay deploy config/config.toml pyproject.toml README.md LICENSE \
        -name __pycache__ -prune -o -name secrets.toml -prune -o -type f -print0
}

# SOURCE NAME: the release's own environment, beside all others. It is whole once `installed` is.
build_release() {
    local source=$1 place=$releases/$2 python=${HFPTM_PYTHON:-python3} copy
    if [ -e "$place/installed" ]; then
        say "release $2 is there already"
        return
    fi
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
        || die "Python 3.11 or later is needed; HFPTM_PYTHON=/path/to/python3.11 names one"
    say "building release $2 (some minutes)"
    run rm -rf "$place"
    on_failure rm -rf "$place"
    run mkdir -p "$releases"
    run "$python" -m venv "$place"
    local pip=("$place/bin/python" -m pip --disable-pip-version-check --no-input --quiet)
    run "${pip[@]}" install --require-hashes -r "$source/deploy/requirements.lock"
    # Built from a copy: the checkout stays as it is.
    copy=$place/source
    run mkdir "$copy"
    run copy_sources "$source" "$copy"
    run "${pip[@]}" install --no-deps --no-build-isolation "$copy"
    run mv "$copy/deploy" "$place/deploy"
    run mv "$copy/config/config.toml" "$place/config.toml"
    run rm -rf "$copy"
    run chmod -R a+rX "$place"
}

copy_sources() { (cd "$1" && sources | tar --null --files-from - --create) | tar -x -C "$2"; }

# COMMAND...: as the user and with the variables that the services have.
as_user() {
    local environment
    mapfile -t environment < <(grep '^[A-Z_0-9]*=' "$config/environment" 2>/dev/null)
    environment+=(HFPTM_DATA_DIR="$data" TMPDIR="$cache")
    if [ -n "$root" ]; then
        run env --chdir="$prefix" "${environment[@]}" "$@"
    else
        run runuser -u "$NAME" -- env --chdir="$prefix" "${environment[@]}" "$@"
    fi
}

# Kernels of release NAME, compiled before anything waits for them.
compile_kernels() {
    local code='from hfptm import book_check, engine; book_check.compile_kernels(); engine.compile_kernels()'
    say "compiling its kernels (a minute)"
    as_user "$releases/$1/bin/python" -c "$code"
}

finish_release() { run touch "$releases/$1/installed"; }

# NAME: what runs from now on, and its units. The one before stays as `previous`.
switch_to() {
    local before
    before=$(readlink "$prefix/current" || true)
    [ "$before" = "releases/$1" ] || [ -z "$before" ] || point "$prefix/previous" "$before"
    point "$prefix/current" "releases/$1"
    install_units "$1"
}

install_units() {
    local unit
    run mkdir -p "$units"
    for unit in "$releases/$1"/deploy/systemd/*.service; do
        run install -m 644 "$unit" "$units/"
    done
    run install -D -m 755 "$releases/$1/deploy/hfptm" "$command"
    if has_manager && [ -z "$root" ]; then run systemctl daemon-reload; fi
}

running() {
    local service
    for service in "${SERVICES[@]}"; do
        if is_active "$service"; then printf '%s\n' "$service"; fi
    done
}

# SERVICE...: began again, ready, and still so after a while. A recorder and a paper run are ready
# with the first frame that they receive.
restart() {
    local service since
    for service in "$@"; do
        run timeout "$HEALTH_S" systemctl ${root:+--root="$root"} restart "$service" || return 1
    done
    [ -n "$is_dry" ] && return
    for ((since = 0; since < 10; since++)); do
        sleep "${HFPTM_LOOK_S:-1}"
        for service in "$@"; do
            is_active "$service" || return 1
        done
    done
}

require_no_live() {
    ! is_active "$LIVE" || die "$LIVE trades: systemctl stop $LIVE first, which lets its plans end"
}

# NAME: it runs from now on, or what ran before does, if it is not well.
run_release() {
    local current previous active
    current=$(readlink "$prefix/current")
    previous=$(readlink "$prefix/previous" || true)
    mapfile -t active < <(running)
    switch_to "$1"
    restart "${active[@]}" && return
    say "hfptm: release $1 is not well; going back to $current"
    switch_to "${current#releases/}"
    if [ -n "$previous" ]; then point "$prefix/previous" "$previous"; else run rm -f "$prefix/previous"; fi
    restart "${active[@]}" || die "$current is not well either; journalctl -u ${active[0]} says why"
    die "release $1 was not well; $current runs again, journalctl -u ${active[0]} says why"
}

# Old ones, but for the newest few and those that a link leads to.
prune_releases() {
    local old
    [ -d "$releases" ] || return 0
    while IFS= read -r old; do
        case releases/$old in
            "$(readlink "$prefix/current")" | "$(readlink "$prefix/previous" || true)") ;;
            *) run rm -rf "${releases:?}/$old" ;;
        esac
    done < <(find "$releases" -mindepth 1 -maxdepth 1 -printf '%T@ %f\n' | sort -rn \
        | tail -n +$((KEPT_RELEASES + 1)) | cut -d' ' -f2)
}
