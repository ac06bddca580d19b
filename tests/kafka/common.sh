# Sourced by the scripts of this folder: which Kafka, where its jars are, how java is called.
# KAFKA_TEST_VERSION picks a version (default: the one in pom.xml), KAFKA_TEST_CACHE a folder.
set -euo pipefail
scripts=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
version=${KAFKA_TEST_VERSION:-$(sed -n 's/.*<kafka.version>\(.*\)<.*/\1/p' "$scripts/pom.xml")}
cache=${KAFKA_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/weir-kafka}/$version
java=(${JAVA_HOME:+"$JAVA_HOME/bin/"}java -Djava.awt.headless=true
    -Dorg.slf4j.simpleLogger.showThreadName=false -Dorg.slf4j.simpleLogger.showDateTime=true
    -Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS)

die() {
    echo "${0##*/}: $*" >&2
    exit 1
}

# Prints the comment that opens a script.
usage() {
    sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"
}

# Fetches the jars unless they are there. Two callers at a time are fine.
need_jars() {
    mkdir -p "$cache"
    exec 9>"$cache/lock"
    flock 9
    if [ ! -d "$cache/jars" ]; then
        command -v mvn >/dev/null || die "fetching Kafka's jars needs maven (apt-get install maven)"
        rm -rf "$cache/jars.part"
        timeout 600 mvn -q -B -Dmaven.wagon.http.retryHandler.count=5 -f "$scripts/pom.xml" \
            -Dkafka.version="$version" \
            dependency:copy-dependencies -DincludeScope=runtime \
            -DoutputDirectory="$cache/jars.part" >"$cache/mvn.log" 2>&1 ||
            { tail -n 20 "$cache/mvn.log" >&2; die "Kafka $version could not be fetched"; }
        mv "$cache/jars.part" "$cache/jars"
    fi
    exec 9>&-
}
