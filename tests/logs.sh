#!/bin/sh
# What systems in the background leave in their logs, before the tests and after them:
#
#   sh tests/logs.sh clean FOLDER    removes the logs of an earlier run
#   sh tests/logs.sh search FOLDER   fails when a log has a sanitizer's report, since nobody else
#                                    reads what a process in the background says at its end, and
#                                    when a process that was to log there still runs
set -eu

folder=${2:?no folder}
patience=60 # seconds for processes that are ending, since a leak is found at the very end

running() {
  grep -lsz "^THESPLOG_FILE=$folder/" /proc/[0-9]*/environ | tr -dc "0-9\n"
}

await_end() {
  until=$(($(date +%s) + patience))
  while [ -n "$(running)" ] && [ "$(date +%s)" -lt $until ]; do sleep 0.1; done
  for process in $(running); do
    echo "process $process still runs: $(tr '\0' ' ' <"/proc/$process/cmdline")"
    status=1
  done
}

search() {
  status=0
  await_end
  words='ERROR: AddressSanitizer|LeakSanitizer|WARNING: ThreadSanitizer|runtime error:'
  for log in "$folder"/*; do
    grep -qsE "$words" "$log" || continue
    echo "a sanitizer's report in $log:"
    grep -m 1 -A 20 -E "$words" "$log"
    status=1
  done
  return $status
}

case ${1-} in
  clean) rm -f "$folder"/* ;;
  search) search ;;
  *) sed -n '2,7s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
