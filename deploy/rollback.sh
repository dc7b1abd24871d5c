#!/usr/bin/env bash
# Lets the release before this one run again, with its units; settings and data stay.
#
# Usage: /opt/hfptm/current/deploy/rollback.sh [--dry-run] [--root DIR]
#
# A second time it goes forward again. It refuses while hfptm-live runs: stop that first, by hand.

# shellcheck source=deploy/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

read_options() {
    while [ $# -gt 0 ]; do
        case $1 in
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
            *) die "unknown: $1; --help says what there is" ;;
        esac
        shift
    done
}

main() {
    read_options "$@"
    places
    require_rights
    local before
    before=$(readlink "$prefix/previous" || true)
    [ -d "$prefix/${before:-none}" ] || die "there is no release before this one in $prefix"
    require_no_live
    lock
    run_release "${before#releases/}"
    say "$before runs again"
}

main "$@"
