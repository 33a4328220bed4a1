# shellcheck shell=bash
# The programs that hotfolders is compared with. Sourced by `scripts/bench` behind lib/setup.sh; sets `sharp`, `pillow`,
# `convert`, `libvips` and `zip`, each empty when it was left out by name, and `versions`. One that cannot be had ends the
# run: a table without the strongest peer would flatter.

# shellcheck disable=SC2034 # used by the script that sources this
sharp='' pillow='' convert='' libvips='' zip='' versions=''

# install_packages PACKAGE…: on Debian; elsewhere one installs them oneself.
install_packages() {
    command -v apt-get >/dev/null 2>&1 || return 1
    say "installing $*"
    if [[ -z ${lists_updated-} ]]; then
        # A list that is a little old may still do.
        as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq >&2 || true
        lists_updated=1
    fi
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >&2 </dev/null ||
        return 1
    hash -r
}

# find_or_install COMMAND PACKAGE…
find_or_install() {
    local command=$1
    shift
    command -v "$command" >/dev/null 2>&1 || { install_packages "$@" && command -v "$command" >/dev/null 2>&1; }
}

# The first ImageMagick on the PATH that is one: something else may carry the name `convert`.
real_convert() {
    local candidate
    for candidate in $(type -ap magick convert convert-im6.q16 2>/dev/null); do
        if "$candidate" -version 2>/dev/null | grep -q '^Version: ImageMagick'; then
            printf '%s' "$candidate"
            return
        fi
    done
}

get_libvips() {
    if find_or_install vipsthumbnail libvips-tools && find_or_install vips libvips-tools; then
        libvips=$(command -v vipsthumbnail)
        add_version "libvips CLI $(vips --version | sed 's/^vips-//')"
    fi
}

get_imagemagick() {
    convert=$(real_convert)
    if [[ -z $convert ]] && install_packages imagemagick; then
        convert=$(real_convert)
    fi
    if [[ -n $convert ]]; then
        add_version "ImageMagick $("$convert" -version | sed -n 's/^Version: ImageMagick \([^ ]*\).*/\1/p')"
    fi
}

# get_sharp FOLDER
get_sharp() {
    find_or_install node nodejs && find_or_install npm npm || return 0
    mkdir -p "$1"
    [[ -f $1/package.json ]] || printf '{ "private": true }\n' >"$1/package.json"
    if [[ ! -d $1/node_modules/sharp ]]; then
        say 'installing sharp'
        (cd "$1" && npm install --no-audit --no-fund --silent sharp) >&2 || true
    fi
    local version
    # shellcheck disable=SC2016 # the dollars are JavaScript's
    version=$(cd "$1" && node -p 'const { sharp, vips } = require("sharp").versions; `${sharp} (libvips ${vips})`') ||
        return 0
    sharp=$1
    add_version "sharp $version, Node $(node --version)"
}

# get_pillow FOLDER
get_pillow() {
    local python=$1/bin/python
    if ! "$python" -c 'import PIL, numpy' 2>/dev/null; then
        say 'installing Pillow'
        rm -rf "$1"
        if ! python3 -m venv "$1" 2>/dev/null; then
            install_packages python3-venv && rm -rf "$1" && python3 -m venv "$1" || return 0
        fi
        "$1/bin/pip" install --quiet --disable-pip-version-check Pillow numpy >&2 || return 0
    fi
    pillow=$python
    add_version "Pillow $("$python" -c 'import PIL; print(PIL.__version__)')"
}

get_zip() {
    if find_or_install zip zip; then
        zip=$(command -v zip)
    fi
}

add_version() {
    versions="$versions$1"$'\n'
}

# get_comparators FOLDER WITHOUT: all but those that WITHOUT names, by commas
get_comparators() {
    local peer found missing='' known=,libvips,imagemagick,sharp,pillow,zip,
    for peer in ${2//,/ }; do
        if [[ $known != *,"$peer",* ]]; then
            say "error: --without $peer: there are libvips, imagemagick, sharp, pillow and zip"
            exit 2
        fi
    done
    for peer in ${known//,/ }; do
        [[ ,${2// /}, != *,"$peer",* ]] || continue
        "get_$peer" "$1/$peer"
        found=$peer
        [[ $peer != imagemagick ]] || found=convert
        [[ -n ${!found} ]] || missing="$missing,$peer"
    done
    if [[ -n $missing ]]; then
        say "error: cannot be had here: ${missing#,}; leave them out by name: --without ${missing#,}${2:+,$2}"
        exit 1
    fi
}
