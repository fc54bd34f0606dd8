# The library as others get it: installed below a staging folder, the sample and the example of
# docs/embedding.md build against it with pkg-config, with CMake, and as C++, and do what they
# say. Only thespian_* leaves the library.
set -eu
. "$(dirname "$0")/lib_systems.sh"

if [ "${TH_SANITIZED:-}" = 1 ]; then
  echo "left out: programs built without the sanitizer cannot load a library built with it"
  exit 0
fi

# ---- the installed tree, moved to where it was not configured for -------------------------------

DESTDIR="$work/a stage" cmake --install "$BUILD" >install.log 2>&1 ||
  fail "cmake --install: $(cat install.log)"
pc=$(find "$work" -name thespian.pc)
[ -f "$pc" ] || fail "no thespian.pc was installed: $(cat install.log)"
mv "$work/a stage" "$work/moved"
pc=$(find "$work/moved" -name thespian.pc)
lib=${pc%/pkgconfig/thespian.pc}
PKG_CONFIG_PATH=${pc%/thespian.pc}
LD_LIBRARY_PATH=$lib
export PKG_CONFIG_PATH LD_LIBRARY_PATH
! grep -rqF "$SOURCE" "$pc" "$lib/cmake" || fail "what is installed leads back to the sources"
! grep -rqF "$BUILD" "$pc" "$lib/cmake" || fail "what is installed leads back to the build tree"

soname=$(objdump -p "$lib/libthespian.so" | sed -n 's/ *SONAME *//p')
version=$(pkg-config --modversion thespian)
[ "$soname" = "libthespian.so.${version%.*}" ] || fail "the soname of version $version is $soname"
[ -f "$lib/$soname" ] || fail "no $soname"

# ---- what leaves the library ---------------------------------------------------------------------

nm -D --defined-only "$lib/libthespian.so" | sed 's/.* //' | sort >exported
header=$(pkg-config --variable=includedir thespian)/thespian.h
grep -o 'thespian_[a-z_]*(' "$header" | tr -d '(' | sort -u >declared
diff declared exported >differ || fail "declared (<) and exported (>) differ: $(cat differ)"

# ---- the header alone, in C and C++ --------------------------------------------------------------

strict="-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror"
flags=$(pkg-config --cflags --libs thespian)
echo '#include <thespian.h>' >alone.c
cp alone.c alone.cpp
receipt="cheese was the last, 12.00 in all"
# shellcheck disable=SC2046,SC2086 # lists of words
{
  expect 0 "" cc -std=c11 $strict -c alone.c $(pkg-config --cflags thespian)
  expect 0 "" c++ -std=c++17 $strict -c alone.cpp $(pkg-config --cflags thespian)
}

# ---- with pkg-config -----------------------------------------------------------------------------

# shellcheck disable=SC2086
expect 0 "" cc -std=c11 $strict -o till "$SOURCE/samples/embed/till.c" $flags
expect 0 "" ./till "$SOURCE/samples/embed"
[ "$out" = "$receipt" ] || fail "built with pkg-config the sample printed: $out"

# Where lines are counted, the objects want the counting library, too.
if ! nm "$lib/libthespian.a" 2>nm.log | grep -q __gcov; then
  # shellcheck disable=SC2046,SC2086
  expect 0 "" cc -std=c11 $strict -o static "$SOURCE/samples/embed/till.c" \
    $(pkg-config --cflags thespian) $(pkg-config --static --libs thespian |
      sed 's/-lthespian/-l:libthespian.a/')
  ! objdump -p static | grep -q libthespian || fail "the static program needs the library"
  ! objdump -h "$lib/libthespian.a" | grep -q gnu.lto || fail "libthespian.a is of one compiler alone"
  expect 0 "" ./static "$SOURCE/samples/embed"
  [ "$out" = "$receipt" ] || fail "built statically the sample printed: $out"
fi

# ---- with CMake ----------------------------------------------------------------------------------

expect 0 "" cmake -S "$SOURCE/samples/embed" -B cmake -G Ninja -D "CMAKE_PREFIX_PATH=${lib%/lib*}"
expect 0 "" cmake --build cmake
expect 0 "" cmake/till "$SOURCE/samples/embed"
[ "$out" = "$receipt" ] || fail "built with CMake the sample printed: $out"

# ---- the example of the page, as it stands, as C and as C++ --------------------------------------

page=$SOURCE/docs/embedding.md
sed -n '/^```c$/,/^```$/p' "$page" | sed '/^```/d' >example.c
sed -n '/^    \$ .*\.\/example$/,/^$/{/^    [^$]/p}' "$page" | sed 's/^    //' >expected
[ -s expected ] || fail "the page says nothing of what its example prints"
cp example.c example.cpp
# shellcheck disable=SC2086
{
  expect 0 "" cc -std=c11 $strict -o example example.c $flags
  expect 0 "" c++ -std=c++17 $strict -o example_as_cpp example.cpp $flags
}
for program in ./example ./example_as_cpp; do
  expect 0 "" "$program"
  [ "$out" = "$(cat expected)" ] || fail "$program printed: $out"
done
nothing_runs
