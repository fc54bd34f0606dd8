--> compiled Lua is not loaded by actors
assert(load(string.dump(function() end)))
