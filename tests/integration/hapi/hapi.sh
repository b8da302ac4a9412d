#!/bin/sh
# HAPI FHIR, built when it is out of date, and run from its classes so that a signal reaches it:
#   hapi.sh build        compile; the first time Maven fetches some 350 MB into ~/.m2
#   hapi.sh serve PORT   the server on 127.0.0.1, an empty database in memory; ends with Ctrl-C
#   hapi.sh validate     the instance validator: a resource a line in, what is wrong with it a line out
# Needs a JDK (17 or newer) and Maven on PATH.
set -eu
cd "$(dirname "$0")"

for program in java javac mvn; do
    command -v "$program" >/dev/null || { echo "hapi.sh: no $program on PATH (Debian: apt install openjdk-17-jdk-headless maven)" >&2; exit 69; }
done

build() {
    made=target/classpath.txt
    # Fresh, and the jars it names still there.
    if [ -f "$made" ] && [ -z "$(find pom.xml src -newer "$made" -print -quit)" ] &&
        [ -f "$(cut -d: -f1 "$made")" ] && [ -f target/classes/heavylegs/hapi/Server.class ]; then
        return 0
    fi
    log=$(mktemp)
    # Without the network first: where all is in ~/.m2 it is not needed, and where it hangs nobody waits.
    if ! mvn --batch-mode --quiet --offline compile >"$log" 2>&1; then
        echo "hapi.sh: fetching HAPI FHIR from Maven Central into ~/.m2 (some 350 MB the first time) ..." >&2
        mvn --batch-mode --quiet --no-transfer-progress \
            -Dmaven.wagon.http.retryHandler.count=2 -Dmaven.wagon.rto=60000 \
            compile >"$log" 2>&1 || { grep -m 5 ERROR "$log" >&2 || cat "$log" >&2; rm -f "$log"; exit 70; }
    fi
    rm -f "$log"
    touch "$made"
}

# It runs for minutes: the quick compiler alone halves what it takes to start.
run() {
    class=$1
    shift
    exec java -Xmx1g -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Duser.timezone=UTC \
        -cp "target/classes:$(cat target/classpath.txt)" "heavylegs.hapi.$class" "$@"
}

case ${1:-} in
build) build ;;
serve)
    [ $# -eq 2 ] || { echo "usage: hapi.sh serve PORT" >&2; exit 64; }
    build
    run Server "$2" ;;
validate)
    build
    run Validate ;;
*) echo "usage: hapi.sh build | serve PORT | validate" >&2; exit 64 ;;
esac
