# shellcheck shell=bash
# Virtual printers: `set_up_printers` sees to it that the programs are here. Sourced after setup.sh.

missing_printers() {
    local tool missing=''
    for tool in ippeveprinter cupsd lpadmin dbus-daemon setpriv; do
        PATH=$PATH:/usr/sbin:/sbin command -v "$tool" >/dev/null 2>&1 || missing="$missing $tool"
    done
    printf '%s' "${missing# }"
}

# CUPS and the virtual printer that comes with it, or says what is not here and ends. Nothing of the system's own CUPS is
# used or changed.
set_up_printers() {
    local missing
    missing=$(missing_printers)
    if [[ -n $missing ]] && command -v apt-get >/dev/null 2>&1; then
        say "missing: $missing; installing with apt-get"
        as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq >&2 || true
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
            cups cups-client cups-ipp-utils dbus util-linux >&2 || true
        hash -r
        missing=$(missing_printers)
    fi
    if [[ -n $missing ]]; then
        say "error: these programs are missing and could not be installed: $missing"
        say 'Install CUPS with ippeveprinter (Debian: cups, cups-client, cups-ipp-utils) and D-Bus, then try again.'
        exit 1
    fi
}
