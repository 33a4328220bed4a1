# shellcheck shell=bash
# What every script needs before cargo runs: `root`, `say`, `set_up`; for tests also `set_up_tests`. Sourced, not run; the caller has
# `set -euo pipefail`. Kept to bash 3.2, which macOS still ships.

# The repository, wherever the caller was started from.
root=$(CDPATH='' cd -- "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

say() {
    printf '%s\n' "$*" >&2
}

# The tools that the C sources of libjpeg-turbo are built with, as far as they are not here. Only on x86 do its fast
# paths need an assembler.
missing_tools() {
    local tools='cc make cmake' tool missing=''
    case $(uname -m) in
        x86_64 | amd64 | i?86) tools="$tools nasm" ;;
    esac
    for tool in $tools; do
        command -v "$tool" >/dev/null 2>&1 || missing="$missing $tool"
    done
    printf '%s' "${missing# }"
}

# Without a terminal nobody can type a password: sudo then fails instead of waiting.
as_root() {
    if [[ $(id -u) -eq 0 ]]; then
        "$@"
    elif ! command -v sudo >/dev/null 2>&1; then
        say 'not root, and there is no sudo'
        return 1
    elif [[ -t 0 ]]; then
        sudo "$@"
    else
        sudo -n "$@"
    fi
}

# install_with MANAGER TOOL…
install_with() {
    local manager=$1 tool
    local packages=()
    shift
    for tool in "$@"; do
        case $manager:$tool in
            apt-get:cc) packages+=(gcc libc6-dev) ;;
            brew:cc | brew:make) ;; # part of Apple's command line tools: `xcode-select --install`
            *:cc) packages+=(gcc) ;;
            apt-get:chromedriver) packages+=(chromium-driver) ;;
            apt-get:nginx) packages+=(nginx-light) ;;
            brew:chromium) packages+=(--cask chromium) ;;
            *) packages+=("$tool") ;;
        esac
    done
    [[ ${#packages[@]} -gt 0 ]] || return 1
    case $manager in
        apt-get)
            # A list that is a little old may still do.
            as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq || true
            as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}"
            ;;
        dnf) as_root dnf install -y "${packages[@]}" ;;
        pacman) as_root pacman -Sy --noconfirm --needed "${packages[@]}" ;;
        brew) brew install "${packages[@]}" ;;
    esac
}

# What the tests need beside cargo: a browser, what drives it, what clients download with, and the web servers of the
# documentation. Without them the tests that need them fail and say so.
set_up_tests() {
    local tool manager missing=''
    # Where Debian puts nginx.
    PATH=$PATH:/usr/sbin
    for tool in chromium chromedriver curl wget openssl nginx caddy; do
        command -v "$tool" >/dev/null 2>&1 || missing="$missing $tool"
    done
    for manager in apt-get dnf pacman brew; do
        [[ -n $missing ]] || return 0
        command -v "$manager" >/dev/null 2>&1 || continue
        say "missing for the tests:$missing; installing with $manager"
        # shellcheck disable=SC2086 # a list of plain words
        install_with "$manager" $missing >&2 || say "$manager could not install all of it"
        hash -r
        return 0
    done
}

# Sees to it that everything is here that cargo needs, or says what is not and ends.
set_up() {
    local missing manager
    missing=$(missing_tools)
    for manager in apt-get dnf pacman brew; do
        [[ -n $missing ]] || break
        command -v "$manager" >/dev/null 2>&1 || continue
        say "missing: $missing; installing with $manager"
        # shellcheck disable=SC2086 # a list of plain words
        install_with "$manager" $missing >&2 || say "$manager could not install all of it"
        hash -r
        missing=$(missing_tools)
    done
    if [[ -n $missing ]]; then
        say "error: these tools are missing and could not be installed: $missing"
        say 'Install a C compiler (cc), make, cmake and nasm with the package manager of your system, then try again.'
        exit 1
    fi
    if ! command -v cargo >/dev/null 2>&1 && [[ -x ${CARGO_HOME:-$HOME/.cargo}/bin/cargo ]]; then
        PATH=${CARGO_HOME:-$HOME/.cargo}/bin:$PATH
        export PATH
    fi
    if ! command -v cargo >/dev/null 2>&1; then
        say "error: cargo is missing: install Rust $(required_rust) or newer with rustup, then try again"
        exit 1
    fi
}

# The oldest Rust that builds the program, from Cargo.toml.
required_rust() {
    sed -n 's/^rust-version = "\(.*\)"$/\1/p' "$root/Cargo.toml"
}
