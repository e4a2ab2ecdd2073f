# Common to the scripts that run one server each: their arguments, starting, waiting, stopping.
#
# A script sources this file, names its ports, writes the server's configuration below
# $directory, calls `launch` for each program and ends with `serve`:
#
#     tests/servers/NAME WORKDIR PORT...
#
# runs the server in the foreground on 127.0.0.1, prints `ready` on standard output once every
# port listens, and stops everything it started on SIGTERM, SIGINT or when standard input ends, so
# that a test harness that dies takes its servers along.  From a shell, keep standard input open:
# don't run it with `< /dev/null`.
#
# Exit status: 0 stopped on request (143 by SIGTERM before it was ready), 1 the server failed (the end of its logs is on standard
# error), 64 wrong arguments, 77 the server is not installed or cannot run here.
#
# Everything is kept below WORKDIR, except the certificates: they are in WORKDIR/../tls, made by
# tests/servers/certificates, and shared by all servers.

set -euo pipefail

server=${0##*/}
scripts=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
installed=${SMTP_SCRIPT_SERVERS:-$HOME/.cache/smtp-script-servers}

# The only account, and the only domain that is delivered locally (to testuser and john).
login=testuser
password=testpass
domain=example.com

# In bytes; for the ports that say "large" in their script's head.
message_size_limit=${SMTP_SCRIPT_MESSAGE_SIZE_LIMIT:-209715200}

ports=()
started=()
contained=()

# --- before the start ----------------------------------------------------------------------------

# arguments DESCRIPTION... -- WORKDIR PORT...: one description for each port the server needs.
arguments() {
    local wanted=()
    while [ "$1" != -- ]; do
        wanted+=("$1")
        shift
    done
    shift
    if [ $# -ne $((${#wanted[@]} + 1)) ]; then
        echo "usage: $server WORKDIR PORT..., with these ports:" >&2
        printf '  %s\n' "${wanted[@]}" >&2
        exit 64
    fi
    mkdir -p "$1"
    directory=$(cd "$1" && pwd)
    tls=${directory%/*}/tls
    chmod 755 "$directory"
    local port
    for port in "${@:2}"; do
        if listening "$port"; then
            fail "port $port is in use"
        fi
    done
    ports=("${@:2}")
}

# needs FILE...: without these the server is not installed; `install` names how it is installed.
needs() {
    local file
    for file; do
        if [ ! -e "$file" ]; then
            echo "$server is not installed: run \`${install:-tests/servers/install}\` (there is no \`$file\`)" >&2
            exit 77
        fi
    done
}

# For servers that change their user, or that are lent users and folders by `lend`.  Such a server
# runs in a process namespace of its own, because its processes start sessions of their own: killing
# the namespace's first process ends them all.
needs_root() {
    if [ "$(id -u)" -ne 0 ]; then
        echo "$server runs as root only: run the tests as root, for example in a container" >&2
        exit 77
    fi
    if ! setpriv --reuid nobody --clear-groups test -x "$directory"; then
        fail "the user \`nobody\` cannot enter \`$directory\`: choose a folder all users can enter"
    fi
    contained=(unshare --pid --fork --)
}

make_certificates() {
    "$scripts/certificates" "$tls"
}

# configure TEMPLATE TARGET [NAME=VALUE...]: TEMPLATE with each @NAME@ replaced.
configure() {
    local template=$1 target=$2 text replacement name
    shift 2
    text=$(<"$scripts/$template")
    set -- "$@" DIRECTORY="$directory" TLS="$tls" LOGIN="$login" PASSWORD="$password" \
        DOMAIN="$domain" MESSAGE_SIZE_LIMIT="$message_size_limit"
    for replacement; do
        name=${replacement%%=*}
        text=${text//"@$name@"/"${replacement#*=}"}
    done
    for name in "${!ports[@]}"; do
        text=${text//"@PORT$name@"/"${ports[name]}"}
    done
    if [[ $text =~ @[A-Z_]+[0-9]*@ ]]; then
        fail "\`$template\` names ${BASH_REMATCH[0]}, which \`$server\` does not give"
    fi
    printf '%s\n' "$text" >"$target"
}

# store_with FOLDER: makes WORKDIR/store, a program that writes a message from its standard input to a
# file in that folder, for servers that give their messages to a program.
store_with() {
    mkdir -p "$directory/$1"
    printf '#!/bin/sh\nexec cat >"%s/%s/$(date +%%s%%N).$$"\n' "$directory" "$1" >"$directory/store"
    chmod 755 "$directory/store"
}

# --- a view of the file system for servers that are unpacked, not installed ----------------------

# account NAME ID: a user and a group of that name, for the server that `lend` starts.
account() {
    local file
    for file in passwd group; do
        [ -e "$directory/$file" ] || cp "/etc/$file" "$directory/$file"
    done
    if ! grep -q "^$1:" "$directory/passwd"; then
        echo "$1:x:$2:$2::/:/usr/sbin/nologin" >>"$directory/passwd"
    fi
    if ! grep -q "^$1:" "$directory/group"; then
        echo "$1:x:$2:" >>"$directory/group"
    fi
}

# owner NAME: the user and group ids of an `account`.
owner() {
    sed -n "s/^$1:[^:]*:\([0-9]*\):\([0-9]*\):.*/\1:\2/p" "$directory/passwd"
}

# lend FROM:TO... -- COMMAND...: launches COMMAND where the folder FROM is seen at TO, together
# with the accounts; +FROM:TO lays what is in FROM over what is at TO, which cannot be written then.
# Nothing outside of the command's own mount namespace changes.
lend() {
    local mounts=()
    while [ "$1" != -- ]; do
        mounts+=("$1")
        shift
    done
    shift
    mounts+=("$directory/passwd:/etc/passwd" "$directory/group:/etc/group")
    # shellcheck disable=SC2016 # the inner shell expands these
    launch unshare --mount --propagation private -- bash -euc '
        until [ "$1" = -- ]; do
            case $1 in
                +*) set -- "${1#+}" "${@:2}"
                    mount -t overlay overlay -o "lowerdir=${1%%:*}:${1#*:}" "${1#*:}" ;;
                *) mount --bind "${1%%:*}" "${1#*:}" ;;
            esac
            shift
        done
        shift
        exec "$@"' lend "${mounts[@]}" -- "$@"
}

# --- running -------------------------------------------------------------------------------------

# launch COMMAND...: in the background, as a process group of its own.
launch() {
    setsid "${contained[@]}" "$@" </dev/null >>"$directory/output.log" 2>&1 &
    started+=("$!")
}

# listening PORT: without connecting, which some servers would count as a session.
listening() {
    local address
    printf -v address '0100007F:%04X 00000000:0000 0A' "$1"
    grep -q " $address " /proc/net/tcp
}

# Prints `ready` and stays until told to stop.
serve() {
    await_ports
    trap 'exit 0' TERM INT HUP
    echo ready
    exec {harness}<&0
    cat <&"$harness" >/dev/null &
    local input=$!
    wait -n "$input" "${started[@]}" || true
    if kill -0 "$input" 2>/dev/null; then
        fail "stopped by itself"
    fi
}

await_ports() {
    local port deadline=$((SECONDS + 30))
    for port in "${ports[@]}"; do
        until listening "$port"; do
            all_alive || fail "could not start"
            [ "$SECONDS" -lt "$deadline" ] || fail "does not listen on port $port"
            sleep 0.02
        done
    done
    all_alive || fail "could not start"
}

all_alive() {
    local pid
    for pid in "${started[@]}"; do
        kill -0 "$pid" 2>/dev/null || return 1
    done
}

fail() {
    echo "$server: $*" >&2
    local log
    for log in "$directory"/*.log; do
        [ -s "$log" ] || continue
        echo "--- the end of $log:" >&2
        tail -n 15 "$log" >&2
    done
    exit 1
}

# --- stopping ------------------------------------------------------------------------------------

# At the script's end, however it comes: ends everything at once, and waits until that shows.
stop() {
    local status=$? pid port deadline=$((SECONDS + 5))
    trap '' TERM INT HUP
    # The shell would report each process that it sees killed.
    exec 2>/dev/null
    for pid in ${input:-} "${started[@]}"; do
        # The process, in case its group is not made yet, and then the group.
        kill -KILL "$pid" || true
        kill -KILL -- "-$pid" || true
    done
    wait
    for port in "${ports[@]}"; do
        while listening "$port" && [ "$SECONDS" -lt "$deadline" ]; do
            sleep 0.02
        done
    done
    exit "$status"
}
trap stop EXIT
