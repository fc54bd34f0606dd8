# The sample wordcount: its show runs, and its two versions, side by side in one system, count what
# tr, sort and uniq count.
set -eu
. "$(dirname "$0")/lib_systems.sh"

texts=/usr/share/common-licenses
sample=$SOURCE/samples/wordcount

# ---- the show ------------------------------------------------------------------------------------

expect 0 "" sh "$sample/show.sh"
for part in "multiprocTCPBase 127.0.0.1 " "loaded as " "created a" '"version": "1"' \
  '"version": "2"' "wordcount.Coordinator" "1 program connected" "done"; do
  contains "$part" "$out"
done
nothing_runs

# ---- the words -----------------------------------------------------------------------------------

# The words of all texts, one a line, in lower case for version 2.
words_of() {
  find "$texts" -maxdepth 1 -type f -exec cat {} + | LC_ALL=C tr -cs A-Za-z '\n' | grep . |
    if [ "$1" = 2 ]; then LC_ALL=C tr '[:upper:]' '[:lower:]'; else cat; fi
}

# "word count", the most frequent first, equal ones by alphabet.
top_of() {
  words_of "$1" | LC_ALL=C sort | LC_ALL=C uniq -c | LC_ALL=C sort -k 1,1nr -k 2,2 | head -n 10 |
    awk '{ print $2, $1 }'
}

# The same out of an answer, whose "top" is [["the", 12], ["of", 9], ...].
top_in() {
  echo "$1" | sed 's/.*"top": \[\[//; s/\]\].*//; s/\], \[/\n/g' | tr -d '",'
}

count_in() {
  echo "$1" | sed "s/.*\"$2\": \([0-9]*\).*/\1/"
}

# counts VERSION ADDRESS
counts() {
  expect 0 "" "$HOST" ask "$2" "{\"folder\": \"$texts\"}" --timeout "$patience"
  contains "\"version\": \"$1\"" "$out"
  top_in "$out" >top.got
  top_of "$1" >top.wanted
  diff top.wanted top.got >&2 || fail "version $1 counts something else"
  [ "$(wc -l <top.got)" = 10 ] || fail "not ten words: $(cat top.got)"
  [ "$(count_in "$out" words)" = "$(words_of "$1" | wc -l)" ] ||
    fail "version $1 has another sum: $out"
  [ "$(count_in "$out" files)" = "$(find "$texts" -maxdepth 1 -type f | wc -l)" ] ||
    fail "version $1 read other files: $out"
}

begin system
expect 0 "" "$HOST" bundle "$sample/actors" -o one.zip
cp -R "$sample/actors" two
cp "$sample/upgrade/words.lua" two
expect 0 "" "$HOST" bundle two
for version in one two; do
  expect 0 "" "$HOST" load "$version.zip" --port "$port"
  expect 0 "" "$HOST" create wordcount.Coordinator --source "$out" --name "$version" --port "$port"
  eval "$version=\$out"
  # The first version answers before and after the second has come.
  counts 1 "$one"
done
counts 2 "$two"
counts 1 "$one"

# Both at once, and several times.
asking=
for number in 1 2 3; do
  for version in one two; do
    "$HOST" ask "@$version" "{\"folder\": \"$texts\"}" --port "$port" --timeout "$patience" \
      >"$version $number.out" 2>&1 &
    asking="$asking $!"
  done
done
for process in $asking; do ended "$process" 0; done
cp top.wanted "top one"
top_of 2 >"top two"
for number in 1 2 3; do
  for version in one two; do
    out=$(cat "$version $number.out")
    [ "$(top_in "$out")" = "$(cat "top $version")" ] || fail "ask $number of version $version: $out"
  done
done

# A file that cannot be read is an answer too, and does not spoil the next.
expect 0 "" "$HOST" ask "$one" '{"files": ["/no/such/file"]}' --timeout "$patience"
contains '"failed": "/no/such/file"' "$out"
counts 1 "$one"
expect 0 "" "$HOST" shutdown --port "$port"
gone "$pid"
nothing_runs
