#!/usr/bin/env bash
# Lets SSH in with keys only: no password, root with a key alone.
#
# Usage: deploy/ssh.sh [--dry-run] | --confirm | --remove
#
# Only if whoever asks (the user of sudo, or root) has a key that sshd takes, and only what `sshd -t`
# passes is used. Without --confirm within 5 minutes, from a second login with the key, it is taken
# back. Other users who have no key cannot log in any more.

# shellcheck source=deploy/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# The first file that sets a value wins.
FILE=/etc/ssh/sshd_config.d/00-hfptm.conf
REVERT=hfptm-ssh-revert
WAIT_S=300

settings() {
    cat <<SETTINGS
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
MaxAuthTries 4
X11Forwarding no
SETTINGS
}

# The effective value of a setting, for the user who asks.
value() { sshd -T -C "user=$login,host=localhost,addr=127.0.0.1" | sed -n "s/^$1 //p"; }

require_key() {
    local home file
    home=$(getent passwd "$login" | cut -d: -f6)
    [ "$(value pubkeyauthentication)" = yes ] || die "sshd takes no keys: PubkeyAuthentication is off"
    for file in $(value authorizedkeysfile); do
        file=${file//%h/$home}
        file=${file//%u/$login}
        case $file in /*) ;; *) file=$home/$file ;; esac
        if [ -r "$file" ] && ssh-keygen -l -f "$file" >/dev/null 2>&1; then return; fi
    done
    die "$login has no authorised key: ssh-copy-id $login@this-machine first, and try it"
}

reload() {
    # Ubuntu begins sshd with the first connection; then there is nothing to reload.
    systemctl try-reload-or-restart ssh
}

harden() {
    login=${SUDO_USER:-root}
    command -v sshd >/dev/null || die "no sshd here"
    if [ -e "$FILE" ]; then
        say "$FILE is there already"
        return
    fi
    sshd -t || die "sshd refuses its settings as they are; mend them first"
    require_key
    settings | write_file "$FILE" 644
    on_failure rm -f "$FILE"
    run sshd -t
    [ -n "$is_dry" ] || [ "$(value passwordauthentication)" = no ] \
        || die "sshd_config does not read sshd_config.d; add: Include /etc/ssh/sshd_config.d/*.conf"
    # The way back first.
    run systemctl stop "$REVERT.timer" 2>/dev/null || true
    run systemd-run --quiet --unit "$REVERT" --on-active "$WAIT_S" \
        sh -c "rm -f $FILE; systemctl try-reload-or-restart ssh"
    run reload
    [ -z "$is_dry" ] || return 0
    say "keys only. Log in a second time, then: sudo $0 --confirm"
    say "otherwise it is taken back in $((WAIT_S / 60)) minutes"
}

confirm() {
    [ -e "$FILE" ] || die "there is nothing to confirm: it was taken back"
    systemctl stop "$REVERT.timer" 2>/dev/null || true
    say "it stays; back: sudo $0 --remove"
}

remove() {
    systemctl stop "$REVERT.timer" 2>/dev/null || true
    rm -f "$FILE"
    reload
    say "taken back"
}

case ${1:-} in
    --help) usage ;;
    "" | --dry-run)
        is_dry=${1:+yes}
        require_rights
        harden
        ;;
    --confirm | --remove)
        require_rights
        "${1#--}"
        ;;
    *) die "unknown: $1; --help says what there is" ;;
esac
