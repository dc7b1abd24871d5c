#!/usr/bin/env bash
# Lets nothing into this machine but SSH on the ports that it has, ping, and answers.
#
# Usage: deploy/firewall.sh [--dry-run] | --confirm | --remove
#
# A table of nftables of its own, which touches no other rule. Without --confirm within 5 minutes,
# from a second login, it is taken back: whoever locked himself out has only to wait. Confirmed, it
# comes again with the machine. It refuses where another firewall (ufw, firewalld) is at work.

# shellcheck source=deploy/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

RULES=/etc/hfptm/firewall.nft
UNIT=hfptm-firewall
REVERT=hfptm-firewall-revert
WAIT_S=300

# Of sshd as it is configured, and of the login that asks.
ssh_ports() {
    {
        sshd -T 2>/dev/null | sed -n 's/^port //p'
        printf '%s\n' "${SSH_CONNECTION:-}" | awk 'NF { print $4 }'
    } | sort -un
}

require_alone() {
    ! systemctl is-active --quiet firewalld || die "firewalld is at work: let it allow SSH alone"
    ! ufw status 2>/dev/null | grep -q '^Status: active' || die "ufw is at work: let it allow SSH alone"
}

rules() {
    cat <<RULES
table inet hfptm
delete table inet hfptm
table inet hfptm {
    chain input {
        type filter hook input priority filter; policy drop;
        ct state established,related accept
        ct state invalid drop
        iif lo accept
        # icmp and ipv6-icmp, by number: a small system does not know their names.
        meta l4proto { 1, 58 } accept
        udp dport { 68, 546 } accept
        tcp dport { $1 } accept
    }
}
RULES
}

unit() {
    cat <<UNIT
[Unit]
Description=hfptm: nothing comes in but SSH
DefaultDependencies=no
Before=network-pre.target shutdown.target
Wants=network-pre.target
Conflicts=shutdown.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/sbin/nft --file $RULES
ExecStop=/usr/sbin/nft delete table inet hfptm

[Install]
WantedBy=multi-user.target
UNIT
}

raise_it() {
    local ports
    command -v nft >/dev/null || die "nft is missing: apt-get install nftables"
    require_alone
    if systemctl is-enabled --quiet "$UNIT" 2>/dev/null; then
        say "the firewall is up already"
        return
    fi
    ports=$(ssh_ports | paste -sd,)
    [ -n "$ports" ] || die "no port of SSH found, so none would stay open; is sshd installed?"
    [ -d /etc/hfptm ] || [ -n "$is_dry" ] || die "deploy/setup.sh comes first"
    on_failure rm -f "$RULES" "/etc/systemd/system/$UNIT.service"
    rules "$ports" | write_file "$RULES" 600
    run nft --check --file "$RULES"
    unit | write_file "/etc/systemd/system/$UNIT.service" 644
    run systemctl daemon-reload
    # The way back first.
    run systemctl stop "$REVERT.timer" 2>/dev/null || true
    run systemd-run --quiet --unit "$REVERT" --on-active "$WAIT_S" systemctl stop "$UNIT"
    run systemctl start "$UNIT"
    [ -z "$is_dry" ] || return 0
    say "only TCP $ports comes in. Log in a second time, then: sudo $0 --confirm"
    say "otherwise it is taken back in $((WAIT_S / 60)) minutes"
}

confirm() {
    systemctl is-active --quiet "$UNIT" || die "there is nothing to confirm: it is not up (any more)"
    systemctl stop "$REVERT.timer" 2>/dev/null || true
    systemctl enable --quiet "$UNIT"
    say "it stays; back: sudo $0 --remove"
}

remove() {
    systemctl stop "$REVERT.timer" 2>/dev/null || true
    systemctl disable --quiet --now "$UNIT" 2>/dev/null || true
    rm -f "/etc/systemd/system/$UNIT.service" "$RULES"
    systemctl daemon-reload
    say "taken back"
}

case ${1:-} in
    --help) usage ;;
    "" | --dry-run)
        is_dry=${1:+yes}
        require_rights
        raise_it
        ;;
    --confirm | --remove)
        require_rights
        "${1#--}"
        ;;
    *) die "unknown: $1; --help says what there is" ;;
esac
