#!/usr/bin/env bash
# Installs hfptm on a Debian 12, Debian 13 or Ubuntu 24.04 server.
#
# Usage: deploy/setup.sh [OPTION]... [CHECKOUT]
#
#   --start SERVICE   enable and start record or paper, and dashboard; may be repeated
#   --firewall        let nothing in but SSH; taken back after 5 minutes unless confirmed
#   --harden-ssh      keys only; taken back after 5 minutes unless confirmed
#   --dry-run         say what would be done, and change nothing
#   --root DIR        write into this folder instead of /, and start nothing: to look at
#   --help            this text
#
# CHECKOUT is the one that this script lies in, unless another is named. What is there already
# stays: settings, data, users. A second time it does what is missing. If it fails, what it did is
# taken back, but for Debian packages. Another release: deploy/upgrade.sh.

# shellcheck source=deploy/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

PACKAGES=(ca-certificates python3 python3-venv tzdata)
FREE_MIB=3000

starts=()
has_firewall=""
has_ssh=""
source=""

read_options() {
    while [ $# -gt 0 ]; do
        case $1 in
            --start)
                [ $# -gt 1 ] || die "--start wants a service: record, paper or dashboard"
                add_start "$2"
                shift
                ;;
            --firewall) has_firewall=yes ;;
            --harden-ssh) has_ssh=yes ;;
            --dry-run) is_dry=yes ;;
            --root)
                [ -d "${2:-}" ] || die "--root wants a folder that exists"
                root=$(cd "$2" && pwd)
                shift
                ;;
            --help)
                usage
                exit 0
                ;;
            -*) die "unknown option $1; --help lists them" ;;
            *)
                [ -z "$source" ] || die "one checkout, not two: $source, $1"
                source=$1
                ;;
        esac
        shift
    done
    source=$(cd "${source:-$DEPLOY/..}" 2>/dev/null && pwd) || die "no such checkout"
    [ -z "$root" ] || [ -z "${starts[*]}$has_firewall$has_ssh" ] \
        || die "--root only writes files: --start, --firewall and --harden-ssh need a machine"
}

add_start() {
    case $1 in
        record | paper | dashboard) starts+=("$NAME-$1") ;;
        live) die "no script starts hfptm-live: systemctl start hfptm-live, by hand" ;;
        *) die "--start $1: record, paper or dashboard" ;;
    esac
    case " ${starts[*]} " in
        *record*paper* | *paper*record*)
            die "record and paper write the same data: start one of them (paper records, too)"
            ;;
    esac
}

require_machine() {
    [ -z "$root" ] || return 0
    local id version free
    # shellcheck source=/dev/null
    id=$(. /etc/os-release && printf '%s' "$ID") version=$(. /etc/os-release && printf '%s' "$VERSION_ID")
    case $id-$version in
        debian-12 | debian-13 | ubuntu-24.04) ;;
        *) die "this is $id $version; tried on Debian 12 and 13, meant for Ubuntu 24.04, too" ;;
    esac
    [ -n "${starts[*]}" ] && ! has_manager && [ -z "$is_dry" ] \
        && die "systemd does not run here: leave out --start"
    free=$(df --output=avail -m "$(existing "$prefix")" | tail -1)
    [ "$free" -ge "$FREE_MIB" ] || die "$prefix has $free MiB free; it takes $FREE_MIB"
}

existing() {
    local path=$1
    while [ ! -e "$path" ]; do path=$(dirname "$path"); done
    printf '%s\n' "$path"
}

require_new() {
    local before
    before=$(readlink "$prefix/current" || true)
    [ -z "$before" ] || [ "$before" = "releases/$1" ] \
        || die "$before is installed already; another release: $source/deploy/upgrade.sh"
}

install_packages() {
    [ -z "$root" ] || return 0
    local missing=() package
    for package in "${PACKAGES[@]}"; do
        dpkg-query --show --showformat='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' \
            || missing+=("$package")
    done
    [ "${#missing[@]}" -gt 0 ] || return 0
    run apt-get update -qq
    run env DEBIAN_FRONTEND=noninteractive \
        apt-get install -qq --yes --no-install-recommends "${missing[@]}"
}

make_user() {
    [ -z "$root" ] || return 0
    if id "$NAME" >/dev/null 2>&1; then
        [ "$(id -u "$NAME")" != 0 ] || die "the user $NAME is root"
        return
    fi
    run useradd --system --user-group --home-dir "$data" --no-create-home \
        --shell /usr/sbin/nologin "$NAME"
    on_failure userdel "$NAME"
}

# FOLDER MODE OWNER
make_folder() {
    local folder=$1 mode=$2 owner=$3
    [ -d "$folder" ] && return
    run mkdir -p "$(dirname "$folder")"
    run mkdir "$folder"
    on_failure rm -rf "$folder"
    run chmod "$mode" "$folder"
    [ -n "$root" ] || run chown "$owner" "$folder"
}

make_folders() {
    make_folder "$prefix" 755 root:root
    make_folder "$config" 750 "root:$NAME"
    make_folder "$data" 750 "$NAME:$NAME"
    make_folder "$cache" 750 "$NAME:$NAME"
    [ -L "$prefix/config" ] || run ln -s /etc/hfptm "$prefix/config"
}

keep_settings() {
    [ ! -e "$config/config.toml" ] || return 0
    run install -m 640 "$releases/$1/config.toml" "$config/config.toml"
    [ -n "$root" ] || run chgrp "$NAME" "$config/config.toml"
}

# What a failure has to take back beside the folders.
note_units() {
    local unit
    for unit in "$source"/deploy/systemd/*.service; do
        unit=$(basename "$unit")
        [ -e "$units/$unit" ] || on_failure rm -f "$units/$unit"
    done
    [ -e "$command" ] || on_failure rm -f "$command"
    [ -L "$prefix/current" ] || on_failure rm -f "$prefix/current"
}

start() {
    local service
    [ "${#starts[@]}" -gt 0 ] || return 0
    for service in "${starts[@]}"; do
        on_failure systemctl disable --quiet --now "$service"
        run systemctl enable --quiet "$service"
    done
    say "starting ${starts[*]} (ready with the first frame)"
    restart "${starts[@]}" || die "it does not run; journalctl -u ${starts[0]} says why"
}

next_steps() {
    [ -z "$is_dry" ] || return 0
    say "installed: release $1 in $prefix, settings in $config, data in $data"
    [ -z "$root" ] || return 0
    [ "${#starts[@]}" -gt 0 ] \
        || say "next: sudo hfptm doctor; sudo systemctl enable --now hfptm-record hfptm-dashboard"
    if command -v timedatectl >/dev/null && ! timedatectl show -p NTPSynchronized | grep -q yes; then
        say "its clock is not synchronised: apt-get install systemd-timesyncd (or chrony)"
    fi
}

main() {
    read_options "$@"
    places
    require_rights
    require_machine
    local name
    name=$(release_name "$source")
    require_new "$name"
    install_packages
    make_user
    make_folders
    lock
    build_release "$source" "$name"
    [ -e "$releases/$name/installed" ] || compile_kernels "$name"
    finish_release "$name"
    keep_settings "$name"
    note_units
    switch_to "$name"
    start
    [ -z "$has_firewall" ] || "$DEPLOY/firewall.sh" ${is_dry:+--dry-run}
    [ -z "$has_ssh" ] || "$DEPLOY/ssh.sh" ${is_dry:+--dry-run}
    next_steps "$name"
}

main "$@"
