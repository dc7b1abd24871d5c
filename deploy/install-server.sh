#!/usr/bin/env bash
# One command for a fresh server: fetches hfptm, if need be, and sets it up.
#
# Usage: deploy/install-server.sh [FROM] [OPTION OF setup.sh]...
#
# FROM is a git repository (anything `git clone` takes, with @BRANCH or @TAG after it if not the
# newest) or a .tar.gz of a checkout; without it the checkout is taken that this script lies in. On a
# server that has nothing yet, this file alone is enough:
#
#   sudo bash install-server.sh FROM --start record --start dashboard

set -euo pipefail

say() { printf '%s\n' "$*" >&2; }

die() {
    say "hfptm: $*"
    exit 1
}

# FROM FOLDER
fetch() {
    local from=$1 folder=$2 branch=()
    case $from in
        *.tar.gz | *.tgz)
            [ -f "$from" ] || die "no such file: $from"
            mkdir "$folder"
            tar --extract --gzip --file "$from" --directory "$folder" --strip-components 1
            ;;
        *)
            if [[ $from =~ ^(.*[^/:])@([^@:/]+)$ ]]; then
                from=${BASH_REMATCH[1]} branch=(--branch "${BASH_REMATCH[2]}")
            fi
            command -v git >/dev/null || install_git
            git clone --quiet --depth 1 "${branch[@]}" -- "$from" "$folder"
            ;;
    esac
    [ -x "$folder/deploy/setup.sh" ] || die "$from holds no deploy/setup.sh"
}

install_git() {
    [ "$(id -u)" = 0 ] || die "git is missing: apt-get install git"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -qq --yes --no-install-recommends \
        git ca-certificates >/dev/null
}

main() {
    local here
    here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
    if [ $# -gt 0 ] && [ "$1" = --help ]; then
        sed -n '2,/^$/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
        exit 0
    fi
    if [ $# -gt 0 ] && [ "${1#-}" = "$1" ]; then
        checkout=$(mktemp -d)
        trap 'rm -rf "$checkout"' EXIT
        fetch "$1" "$checkout/hfptm"
        shift
        "$checkout/hfptm/deploy/setup.sh" "$@"
    elif [ -x "$here/setup.sh" ]; then
        "$here/setup.sh" "$@"
    else
        die "from where? a git repository or a .tar.gz; --help says more"
    fi
}

main "$@"
