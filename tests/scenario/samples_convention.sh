# The sample convention: its show runs. Its printer, created in the office, lives in the cellar and
# answers; when the cellar is killed, another one takes over.
set -eu
. "$(dirname "$0")/lib_systems.sh"

sample=$SOURCE/samples/convention

# ---- the show ------------------------------------------------------------------------------------

expect 0 "" sh "$sample/show.sh"
for part in "Convention, led by this system" "Printer Gutenberg" "Gutenberg has printed: a page" \
  "printing.zip  1 file, " "bytes, 1 actor" "elsewhere" "Manutius has printed: another page" \
  "WARNING system a1." "the printer is gone: " "done"; do
  contains "$part" "$out"
done
nothing_runs

# ---- the actors ----------------------------------------------------------------------------------

begin leader --path "$sample/actors"
leader=$port
begin office --path "$sample/actors" --convention "127.0.0.1:$leader"
office=$port
begin cellar --path "$sample/actors" --convention "127.0.0.1:$leader" --capability Printer=Bodoni
cellar=$port
cellar_pid=$pid
looks=0
until "$HOST" status --port "$leader" | grep -Fq "Printer Bodoni" &&
  "$HOST" status --port "$office" | grep -Fq registered; do again "the convention"; done
expect 0 "" "$HOST" create printing.Desk --port "$office"
desk=$out
expect 0 "" "$HOST" ask "$desk" "a page" --timeout "$patience"
[ "$out" = "Bodoni has printed: a page" ] || fail "the desk said: $out"

# The printer's process is the cellar's, and the leader has none.
expect 0 "" "$HOST" status --port "$cellar"
contains "printing.Printer" "$out"
expect 0 "" "$HOST" status --port "$leader"
case $out in
  *printing*) fail "there is a printer at the leader: $out" ;;
esac

# The cellar is gone without a word: the desk goes on.
kill -KILL "$cellar_pid"
gone "$cellar_pid"
begin another --path "$sample/actors" --convention "127.0.0.1:$leader" --port "$cellar" \
  --capability Printer=Didot
looks=0
until "$HOST" status --port "$leader" | grep -Fq "Printer Didot"; do again "another cellar"; done
await "the printer is gone: system lost" "$work/office.log"
await "the printer is gone: system lost" "$work/leader.log"
expect 0 "" "$HOST" ask "$desk" "another page" --timeout "$patience"
[ "$out" = "Didot has printed: another page" ] || fail "the desk said: $out"
for port in "$cellar" "$office" "$leader"; do expect 0 "" "$HOST" shutdown --port "$port"; done
nothing_runs
