#!/usr/bin/env bash
# Lets the release of a checkout run instead of the one that is installed.
#
# Usage: deploy/upgrade.sh [--dry-run] [--root DIR] [CHECKOUT]
#
# It is built beside the other, its kernels are compiled, and `hfptm doctor` of it has to find nothing
# that the old one does not find as well. Then what runs is started again with it. If that is not
# ready within 60 s, and well for 10 s more, the old one runs again, and the new one is removed.
# Settings and data stay. It refuses while hfptm-live runs: stop that first, by hand.

# shellcheck source=deploy/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

source=""

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
            -*) die "unknown option $1; --help lists them" ;;
            *)
                [ -z "$source" ] || die "one checkout, not two: $source, $1"
                source=$1
                ;;
        esac
        shift
    done
    source=$(cd "${source:-$DEPLOY/..}" 2>/dev/null && pwd) || die "no such checkout"
}

require_doctor() {
    local before=$1 name=$2
    if as_user "$releases/$name/bin/hfptm" doctor >&2; then return; fi
    if as_user "$prefix/$before/bin/hfptm" doctor >/dev/null 2>&1; then
        die "the doctor of $name finds what that of $before does not; nothing was changed"
    fi
    say "the doctor of $before is not content either; going on"
}

main() {
    read_options "$@"
    places
    require_rights
    local before name
    before=$(readlink "$prefix/current" || true)
    [ -n "$before" ] || die "nothing is installed in $prefix: deploy/setup.sh comes first"
    require_no_live
    lock
    name=$(release_name "$source")
    if [ "$before" = "releases/$name" ]; then
        say "release $name runs already"
        exit 0
    fi
    build_release "$source" "$name"
    if [ ! -e "$releases/$name/installed" ]; then
        compile_kernels "$name"
        require_doctor "$before" "$name"
        finish_release "$name"
    fi
    run_release "$name"
    prune_releases
    say "release $name runs; back to $before: $prefix/current/deploy/rollback.sh"
}

main "$@"
