# run --watch: the program starts again when its files change, with all that it has started; what
# fails waits for the next change; a signal ends everything.
set -eu
. "$(dirname "$0")/lib_systems.sh"

watcher=

# watch ARGUMENT...  runs it in the background; what it prints is in the file seen
watch() {
  : >seen
  "$HOST" run "$@" >>seen 2>&1 &
  watcher=$!
  await "thespian-host: watching" seen
}

# Ends the watcher by a signal, of which it dies, and with it all that it has started.
stop() {
  kill "-$1" "$watcher"
  gone "$watcher"
  got=0
  wait "$watcher" || got=$?
  [ "$(kill -l "$got")" = "$1" ] || fail "the watcher ended with $got, not by $1: $(cat seen)"
  watcher=
  nothing_runs
}

count_of() {
  grep -Fc "$1" seen || true
}

# ---- a folder ------------------------------------------------------------------------------------

mkdir -p shop/goods
cat >shop/main.lua <<'LUA'
local goods = require "goods.list"
io.stdout:setvbuf "line"
print("opened with", goods, ...)
while true do os.execute "sleep 60" end
LUA
echo 'return "apples"' >shop/goods/list.lua
watch shop --watch early --watch
await "opened with	apples	early	--watch" seen

# In place, and by renaming, as editors do; what they leave beside it does not count.
echo 'return "pears"' >shop/goods/list.lua
await "opened with	pears" seen
await "ms: goods/list.lua" seen
grep -Eqx "thespian-host: reloaded in [0-9]+ ms: goods/list.lua" seen || fail "$(cat seen)"
echo 'return "plums"' >shop/goods/.list.lua.swp
echo backup >shop/goods/list.lua~
mv shop/goods/.list.lua.swp shop/goods/list.lua
await "opened with	plums	early	--watch" seen
[ "$(count_of reloaded)" = 2 ] || fail "not reloaded twice: $(cat seen)"

# A folder that comes with what is in it, and one that is made first and filled later.
mkdir -p stock/deep
echo 'return "deep"' >stock/deep/word.lua
mv stock shop/stock
await "ms: stock" seen
echo 'return require "stock.deep.word"' >shop/goods/list.lua
await "opened with	deep" seen
echo 'return "deeper"' >shop/stock/deep/word.lua
await "ms: stock/deep/word.lua" seen
await "opened with	deeper" seen
mkdir shop/new
await "ms: new" seen
echo 'return "new"' >shop/new/word.lua
await "ms: new/word.lua" seen

# What is gone counts as well; the program then fails, and waits.
rm shop/goods/list.lua
await "ms: goods/list.lua" seen
await "module 'goods.list' not found" seen
await "the program has failed, with exit status 1; it starts again when a file changes" seen
echo 'return "back"' >shop/goods/list.lua
await "opened with	back" seen

# So it does when the whole folder goes and comes again.
mv shop shop.away
await "the folder is gone" seen
sed 's/opened/opened again/' shop.away/main.lua >main.new
mv main.new shop.away/main.lua
mv shop.away shop
await "opened again with	back" seen
echo 'return "renewed"' >shop/goods/list.lua
await "opened again with	renewed" seen

# One that ends is not started again by itself.
echo 'print "done at once"' >shop/main.lua
await "done at once" seen
await "the program has ended; it starts again when a file changes" seen
echo 'os.exit(7)' >shop/main.lua
await "with exit status 7" seen
echo 'os.execute("kill -KILL $PPID"); while true do end' >shop/main.lua
await "ended by signal 9" seen
[ "$(count_of "done at once")" = 1 ] || fail "it started by itself: $(cat seen)"
stop TERM

# ---- a system in the background goes with the program that started it -----------------------------

cat >shop/main.lua <<'LUA'
local actors = require "thespian.actors"
local asys = actors.ActorSystem(os.getenv "BASE", {["Admin Port"] = 0})
io.stdout:setvbuf "line"
print("a system: " .. asys:ask(asys.adminAddress, actors.Thespian_StatusReq(), 60).pid)
LUA
watch --watch shop
await "a system: " seen
await "the program has ended" seen
first=$(sed -n 's/^a system: //p' seen)
is_running "$first" || fail "the system ended before anything changed: $(cat seen)"
echo '-- changed' >>shop/main.lua
await "reloaded" seen
! is_running "$first" || fail "the system goes on under the next program"
looks=0
while [ "$(count_of "a system: ")" != 2 ]; do again "the second system: $(cat seen)"; done
stop INT

# One that does not end when asked to is killed.
cat >shop/main.lua <<'LUA'
io.stdout:write("stubborn\n"):flush()
os.execute "trap '' TERM; echo deaf; while true; do sleep 60; done"
LUA
watch --watch shop
await deaf seen
echo 'print "and gone"' >shop/main.lua
await "and gone" seen
await "the program does not end when it is asked to: it is killed" seen
stop TERM

# What is written while it ends is nothing new to the one that starts then.
cat >shop/main.lua <<'LUA'
os.execute "trap 'echo bye >shop/bye.txt; exit' TERM; echo up; while true; do sleep 60 & wait $!; done"
LUA
watch --watch shop
await up seen
echo 'print "first"; os.execute "sleep 60"' >shop/main.lua
await "first" seen
[ -s shop/bye.txt ] || fail "it was not asked to end: $(cat seen)"
echo 'print "second"' >shop/main.lua
await "second" seen
[ "$(count_of reloaded)" = 2 ] || fail "not reloaded twice: $(cat seen)"
stop TERM

# ---- what the program writes itself is no reason to start it for ever ----------------------------

cat >shop/main.lua <<'LUA'
local file = io.open(arg[0] .. "/count.txt", "a")
file:write "x"
file:close()
LUA
watch --watch shop
await "count.txt changes whenever the program runs: from now on it does not count" seen
echo 'print "a person was here"' >shop/main.lua
await "a person was here" seen
stop TERM

# ---- a file --------------------------------------------------------------------------------------

mkdir desk
echo 'io.stdout:setvbuf "line"; print("it is", require "word", ...)' >desk/note
echo 'return 1' >desk/word.lua
watch --watch desk/note x
await "it is	1	x" seen
echo 'other' >desk/other.txt # nothing of this program
echo 'return 2' >desk/word.lua
await "it is	2	x" seen
echo 'print "it is new"' >desk/note
await "it is new" seen
[ "$(count_of reloaded)" = 2 ] || fail "not reloaded twice: $(cat seen)"
stop TERM
(cd desk && exec "$HOST" run note --watch >../seen 2>&1) &
watcher=$!
await "it is new" seen
echo 'print "it is here"' >desk/note
await "it is here" seen
stop TERM

# Before the program -- says that all options are its own.
echo 'print("given", ...)' >desk/note
expect 0 "" "$HOST" run -- desk/note --watch
[ "$out" = "given	--watch" ] || fail "the program got: $out"

# ---- refusals ------------------------------------------------------------------------------------

expect 1 "cannot watch no/such: No such file or directory" "$HOST" run no/such --watch
expect 2 "standard input can be read only once" "$HOST" run --watch -
expect 2 "option --watch takes no value" "$HOST" run --watch=yes shop

# limited SETTING COMMAND...: as one of a user who has used up what inotify allows him, where the
# machine lets us play him.
limited() {
  unshare -Ur sh -c 'echo 0 >"/proc/sys/user/$0" && exec "$@"' "$@"
}
if limited max_inotify_watches true 2>unshared; then
  expect 1 "cannot watch shop/: the system allows no more inotify watches; raise the sysctl \
fs.inotify.max_user_watches" limited max_inotify_watches "$HOST" run shop --watch
  expect 1 "raise the sysctl fs.inotify.max_user_instances" \
    limited max_inotify_instances "$HOST" run shop --watch
fi
nothing_runs
