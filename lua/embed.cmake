# Writes OUTPUT, a C file that holds the Lua files MODULES (paths below ROOT) as bindings/embedded.h
# declares them. Run by the build: cmake -DROOT=... -DMODULES=a.lua;b.lua -DOUTPUT=... -P embed.cmake
cmake_minimum_required(VERSION 3.25)

set(arrays "")
set(table "")
set(number 0)
foreach(file IN LISTS MODULES)
  # thespian/actors.lua is thespian.actors; thespian/actors/init.lua is too.
  string(REGEX REPLACE "(/init)?\\.lua$" "" name "${file}")
  string(REPLACE "/" "." name "${name}")

  file(READ "${ROOT}/${file}" bytes HEX)
  string(LENGTH "${bytes}" digits)
  math(EXPR size "${digits} / 2")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}00") # a 0 ends each, uncounted
  string(REPEAT "0x..," 20 line)
  string(REGEX REPLACE "(${line})" "\\1\n" bytes "${bytes}")

  string(APPEND arrays "\nstatic const unsigned char module_${number}[] = {\n${bytes}\n};\n")
  string(APPEND table "  {\"${name}\", module_${number}, ${size}},\n")
  math(EXPR number "${number} + 1")
endforeach()

file(WRITE "${OUTPUT}" "/* Made by lua/embed.cmake from lua/; not for editing. */
#include \"bindings/embedded.h\"
${arrays}
const struct th_embedded_module th_embedded_modules[] = {
${table}  {NULL, NULL, 0},
};
")
