# Bundles that are signed and encrypted: keygen, bundle, sign and inspect, and minisign where it is
# there. No system is needed.
set -eu
. "$(dirname "$0")/lib_cli.sh"

mkdir app
echo 'return {}' >app/mod.lua
echo "open sesame" >password
printf '\n' >nothing

# has WORDS: what was printed last has a line that begins so.
has() {
  contains "
$1" "
$out"
}

# ---- keys ----------------------------------------------------------------------------------------

expect 0 "" "$HOST" keygen
[ "$out" = "$(tail -n 1 bundle.pub)" ] || fail "keygen printed $out"
[ "$(stat -c %a bundle.key)" = 600 ] || fail "others may read the secret key"
expect 0 "" "$HOST" keygen -o other
expect 0 "" "$HOST" keygen --encryption -o shared
id=$out
[ "$(stat -c %a shared.key)" = 600 ] || fail "others may read the encryption key"
[ ! -e shared.pub ] || fail "an encryption key has a public part"

cp bundle.key before
expect 1 "bundle.key is there already, and no key is ever overwritten; -o gives another name" \
  "$HOST" keygen
cmp -s bundle.key before || fail "keygen has overwritten a key"
mv bundle.key kept.key
expect 1 "bundle.pub is there already" "$HOST" keygen
[ ! -e bundle.key ] || fail "keygen leaves a secret key without its public one"
mv kept.key bundle.key
expect 1 "cannot write nowhere/key.key: No such file" "$HOST" keygen -o nowhere/key
expect 1 "cannot read no-file: No such file" "$HOST" keygen -o new --password-file no-file
expect 1 "nothing holds no password" "$HOST" keygen -o new --password-file nothing
expect 2 "an encryption key has none" "$HOST" keygen -o new --encryption --password-file password
[ ! -e new.key ] || fail "a keygen that failed has left a key"

# ---- signing -------------------------------------------------------------------------------------

expect 0 "" "$HOST" bundle app -o plain.zip
plain=$out
expect 0 "" "$HOST" bundle app -o signed.zip --sign bundle.key
[ "$out" = "$(sha256sum <signed.zip | cut -d ' ' -f 1)" ] || fail "bundle printed $out"
expect 0 "" "$HOST" bundle app -o again.zip --sign bundle.key --comment file:signed.zip
cmp -s signed.zip again.zip || fail "signed twice gives two bundles"
expect 0 "" "$HOST" bundle app -o both.zip --sign other.key --sign bundle.key --comment release
expect 0 "" "$HOST" sign signed.zip --key other.key --comment release -o more.zip
expect 0 "" "$HOST" sign more.zip --key bundle.key --comment release
cmp -s more.zip both.zip || fail "the order of signing makes a difference"

expect 0 "" "$HOST" inspect plain.zip
has "hash        $plain"
has "  entry     mod.lua, 10 bytes"
has "accepted    yes, where no signature is asked for"
expect 0 "" "$HOST" inspect both.zip
has "  comment   release"
has "accepted    yes, where its signers are trusted"
expect 0 "" "$HOST" inspect both.zip --trust bundle.pub
has "accepted    yes"
contains ", not trusted" "$out"
expect 0 "" "$HOST" inspect both.zip --trust bundle.pub --trust other.pub --trust-count 2
expect 1 "signed.zip would be refused: the bundle is signed by 1 of the keys that are trusted; 2 are" \
  "$HOST" inspect signed.zip --trust bundle.pub --trust other.pub --trust-count 2
has "accepted    no"
expect 1 "signed by none of the keys that are trusted" "$HOST" inspect signed.zip --trust other.pub
expect 1 "plain.zip would be refused: the bundle is not signed" \
  "$HOST" inspect plain.zip --trust other.pub

cp signed.zip changed.zip
printf x >>changed.zip
expect 1 "does not fit the bundle: one of the two was changed" "$HOST" inspect changed.zip
expect 1 "does not fit the bundle" "$HOST" sign changed.zip --key other.key
expect 1 "not a zip archive" "$HOST" inspect app/mod.lua
cp app/mod.lua before
expect 1 "app/mod.lua: not a zip archive" "$HOST" sign app/mod.lua --key other.key
cmp -s app/mod.lua before || fail "sign has changed what is no bundle"

expect 0 "" "$HOST" keygen -o safe --password-file password
expect 1 "safe.key: the secret key is protected by a password; name the file that holds it with" \
  "$HOST" bundle app -o safe.zip --sign safe.key
echo barley >wrong
expect 1 "safe.key: the password is not that of the key" \
  "$HOST" sign plain.zip --key safe.key --password-file wrong
expect 0 "" "$HOST" bundle app -o safe.zip --sign safe.key --password-file password
expect 0 "" "$HOST" inspect safe.zip --trust safe.pub

# ---- encrypting ----------------------------------------------------------------------------------

expect 0 "" "$HOST" bundle app -o sealed.zip --sign bundle.key --encrypt shared.key
grep -q mod.lua signed.zip || fail "a signed bundle does not show its zip"
! grep -q mod.lua sealed.zip || fail "an encrypted bundle shows what is in it"
expect 1 "it is encrypted with key $id, which is not given" "$HOST" inspect sealed.zip
has "encrypted   with key $id"
expect 0 "" "$HOST" inspect sealed.zip --key shared.key --trust bundle.pub
has "  entry     mod.lua, 10 bytes"
expect 1 "the bundle is encrypted; sign first, then encrypt" \
  "$HOST" sign sealed.zip --key other.key
expect 0 "" "$HOST" bundle app -o secret.zip --encrypt-password password
expect 1 "it is encrypted with a password, and none is given" "$HOST" inspect secret.zip
expect 1 "the password is another, or the file was changed" \
  "$HOST" inspect secret.zip --password-file wrong
expect 0 "" "$HOST" inspect secret.zip --password-file password
has "encrypted   with a password"

# ---- wrong usage, and files that are no keys -----------------------------------------------------

rm -f app.zip
expect 2 "with a key or with a password, not with both" \
  "$HOST" bundle app --encrypt shared.key --encrypt-password password
expect 2 "--encrypt-password encrypts with a password" "$HOST" bundle app --password-file password
expect 2 "no key is given with --sign" "$HOST" bundle app --comment x
expect 2 "the comment of --comment has control characters" \
  "$HOST" bundle app --sign bundle.key --comment "$(printf 'a\033b')"
expect 1 "bundle.pub: it holds a public key; wanted is a secret key" \
  "$HOST" bundle app --sign bundle.pub
expect 1 "bundle.key: it holds a secret key; wanted is an encryption key" \
  "$HOST" bundle app --encrypt bundle.key
[ ! -e app.zip ] || fail "a bundle that could not be signed was written"
expect 2 "sign needs --key" "$HOST" sign plain.zip
expect 1 "cannot read no.zip: No such file" "$HOST" sign no.zip --key bundle.key
expect 1 "shared.key: it holds an encryption key; wanted is a public key" \
  "$HOST" inspect plain.zip --trust shared.key
expect 1 "bundle.key: it holds a secret key; wanted is an encryption key" \
  "$HOST" inspect plain.zip --key bundle.key
for count in 0 2 one 1x -1; do
  expect 2 "\"$count\" is no count of keys: 1 to the number of --trust, which is 1" \
    "$HOST" inspect plain.zip --trust bundle.pub "--trust-count=$count"
done
head -c 5000 /dev/zero >large
expect 1 "large is no file of a key or a password: it has more than 4096 bytes" \
  "$HOST" inspect plain.zip --trust large

# ---- what README.md types ------------------------------------------------------------------------

mkdir readme
ln -s "$HOST" readme/thespian-host
ln -s "$SOURCE/samples" readme/samples
(
  cd readme
  sed -n '/^## Signed and/,/^## L/s/^    //p' "$SOURCE/README.md" >session
  sed -n 's/^\$ //p' session >commands
  [ "$(wc -l <commands)" = 4 ] || fail "not four lines: $(cat commands)"
  PATH="$PWD:$PATH" sh -eu commands >got || fail "the session of README.md failed: $(cat got)"
  # Keys, ids, hashes and sizes are others each time.
  shape() {
    sed 's/RW[QRST][A-Za-z0-9+\/]*/KEY/; s/\<[0-9a-f]\{64\}\>/HASH/; s/\<[0-9A-F]\{16\}\>/ID/
      s/[0-9][0-9]* bytes/N bytes/' "$1"
  }
  grep -v '^\$ ' session | shape - >wanted
  shape got | diff wanted - >&2 || fail "the session of README.md prints something else"
)

# ---- with minisign -------------------------------------------------------------------------------

if ! command -v minisign >/dev/null 2>&1; then
  echo "left out: minisign is not installed"
  exit 0
fi

minisign -G -W -p theirs.pub -s theirs.key >/dev/null
expect 0 "" "$HOST" bundle app -o theirs.zip --sign theirs.key
expect 0 "" "$HOST" inspect theirs.zip --trust theirs.pub

for legacy in "" -l; do
  # shellcheck disable=SC2086 # no option where it is empty
  minisign -S $legacy -m plain.zip -s theirs.key -x made.minisig -t "made by minisign" >/dev/null
  expect 0 "" "$HOST" sign plain.zip --signature made.minisig --key theirs.pub -o attached.zip
  expect 0 "" "$HOST" inspect attached.zip --trust theirs.pub
  has "  comment   made by minisign"
done
expect 1 "made.minisig: it is a signature by key" \
  "$HOST" sign plain.zip --signature made.minisig --key other.pub -o no.zip
mkdir another
echo 'return 1' >another/mod.lua
expect 0 "" "$HOST" bundle another -o other.zip
expect 1 "made.minisig: the signature by key" \
  "$HOST" sign other.zip --signature made.minisig --key theirs.pub -o no.zip
expect 1 "theirs.pub: line 2 of the signature" \
  "$HOST" sign plain.zip --signature theirs.pub --key theirs.pub -o no.zip
expect 2 "has its own comment" \
  "$HOST" sign plain.zip --signature made.minisig --key theirs.pub --comment x
[ ! -e no.zip ] || fail "a signature that does not fit was attached"

# The four lines behind the first are a signature file, and what follows the empty line is signed.
sed -n 2,5p signed.zip >ours.minisig
tail -c "$(wc -c <plain.zip)" signed.zip | cmp - plain.zip || fail "the payload is not the zip"
minisign -V -m plain.zip -x ours.minisig -p bundle.pub >verified ||
  fail "minisign does not verify ours: $(cat verified)"
grep -q "Trusted comment: file:signed.zip" verified || fail "minisign says $(cat verified)"
printf x >>plain.zip
! minisign -V -m plain.zip -x ours.minisig -p bundle.pub >verified 2>&1 ||
  fail "minisign verifies anything"

# Their programs use our keys, protected ones too.
minisign -S -m app/mod.lua -s bundle.key -x mod.minisig >/dev/null || fail "our key does not sign"
minisign -V -m app/mod.lua -x mod.minisig -p bundle.pub >/dev/null || fail "our key does not verify"
minisign -S -m app/mod.lua -s safe.key -x mod.minisig <password >/dev/null 2>&1 ||
  fail "minisign does not open our protected key"
minisign -V -m app/mod.lua -x mod.minisig -p safe.pub >/dev/null || fail "or signs otherwise"

# A protected key of theirs takes a gigabyte.
if [ -z "${TH_SANITIZED:-}" ] && [ "$(awk '/^MemAvailable:/ { print $2 }' /proc/meminfo)" -gt 2000000 ]; then
  cat password password | minisign -G -p locked.pub -s locked.key >/dev/null 2>&1
  expect 0 "" "$HOST" bundle app -o locked.zip --sign locked.key --password-file password
  expect 0 "" "$HOST" inspect locked.zip --trust locked.pub
fi
